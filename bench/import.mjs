// What importing costs, by whole processes: the time and the resident set over those of an empty module.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { interleaved } from './interleaved.mjs';
import { versionOf } from './peers.mjs';
import { rowsAgainst } from './rows.mjs';

const folder = path.join(import.meta.dirname, 'programs/import');
const PACKAGES = [
  'close-with-grace',
  'exit-hook',
  'http-graceful-shutdown',
  '@godaddy/terminus',
  'lightship',
];

function runs(program) {
  return async () => {
    const startedAt = performance.now();
    const child = spawn(process.execPath, [path.join(folder, program)], { stdio: 'inherit' });
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`Expected ${program} to end with 0, got ${code}`);
    return performance.now() - startedAt;
  };
}

export async function run({ quick }) {
  const contenders = {
    empty: runs('empty.mjs'),
    ours: runs('cuda-shutdown.mjs'),
    ...Object.fromEntries(
      PACKAGES.map((name) => [versionOf(name), runs(`${path.basename(name)}.mjs`)]),
    ),
  };
  const { ours, empty, ...peers } = await interleaved(contenders, quick ? 5 : 60);
  return rowsAgainst('start to end of a process that imports it', 'ms', ours, {
    'an empty module': empty,
    ...peers,
  });
}
