/**
 * A process of its own for what may hang or crash: the driver, and a folder on a disk that has gone. Says
 * what it knows, a JSON object a line, and before everything what it is about to do.
 */

import { access, rm, statfs, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { load } from '../../native/load.js';
import { backend } from '../../native/backend.js';
import { CliFailure } from '../failure.js';
import { readCourse } from '../course/read-course.js';
import { headline } from '../page/words.js';

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function loadedFiles(): readonly string[] {
  const maps = readFileSync('/proc/self/maps', 'utf8');
  return [...new Set(maps.match(/\/\S.*\.node$/gmu))];
}

/** Creates no context: versions and properties need none. */
function lookAtDevices(): void {
  say({ doing: 'loading the addon' });
  const { addon, setting } = load();
  say({ files: loadedFiles(), runtime: addon.runtime, setting });
  say({ doing: 'asking the CUDA runtime for devices' });
  const { runtimeVersion, driverVersion } = addon.probe();
  const { kind, deviceCount, unavailableReason: reason } = backend();
  say({ runtimeVersion, driverVersion, kind, deviceCount, reason });
  for (let index = 0; index < deviceCount; index += 1) {
    say({ doing: `asking device ${index} for its properties` });
    say({ device: addon.getDeviceProperties(index) });
  }
  if (kind !== 'cuda') return;
  say({ doing: 'loading libnvidia-ml.so.1' });
  say({ nvml: loads('libnvidia-ml.so.1') });
}

/** A library that is no addon loads as well, and is refused only then. */
function loads(library: string): boolean {
  try {
    process.dlopen({ exports: {} }, library);
    return true;
  } catch (error) {
    return String(error).includes('self-register');
  }
}

async function lookAtFolder(folder: string): Promise<void> {
  say({ doing: `looking at ${folder}` });
  const there = await nearestThere(resolve(folder));
  say({ exists: there === resolve(folder), there });
  const { bavail, bsize } = await statfs(there);
  say({ freeBytes: bavail * bsize });
  say({ doing: `writing to ${there}` });
  say({ unwritable: await writeProblem(there) });
  if (there !== resolve(folder)) return;
  say({ doing: `reading what the last shutdown left in ${folder}` });
  try {
    const { course } = await readCourse(folder);
    const { outcome, startedAt, watchdog } = course;
    say({ last: { outcome, startedAt, watchdog: watchdog !== undefined, text: headline(course) } });
  } catch (error) {
    if (!(error instanceof CliFailure)) throw error;
    say({ noLast: error.message });
  }
}

async function nearestThere(path: string): Promise<string> {
  try {
    await access(path);
    return path;
  } catch {
    return path === '/' ? path : nearestThere(dirname(path));
  }
}

/** The error's code; by a file that is really written, as access() does not know of full disks. */
async function writeProblem(folder: string): Promise<string | undefined> {
  const file = join(folder, `.cuda-shutdown-doctor-${process.pid}`);
  try {
    await writeFile(file, 'x', { flag: 'wx' });
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  } finally {
    await rm(file, { force: true }).catch(() => undefined);
  }
}

const [what, folder = ''] = process.argv.slice(2);
try {
  if (what === 'devices') lookAtDevices();
  else await lookAtFolder(folder);
} catch (error) {
  say({ failed: error instanceof Error ? error.message : String(error) });
}
