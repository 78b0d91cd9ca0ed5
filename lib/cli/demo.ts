/** `demo`: runs the demo of the package in a process of its own, on stdio of this one. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { packageRoot } from './package.js';

export interface DemoOptions {
  readonly hang?: true;
  readonly out?: string;
}

/** Of the demo's service: too large to be left behind. */
const MODEL_FILE = 'all-MiniLM-L6-v2.safetensors';

/** Ends with the demo's own exit code. */
export async function demo({ hang, out }: DemoOptions): Promise<number> {
  const folder = out ?? (await mkdtemp(join(tmpdir(), 'cuda-shutdown-demo-')));
  const script = join(packageRoot(), 'dist', 'demo', 'demo.mjs');
  const args = [script, `--out=${folder}`, ...(hang === true ? ['--hang'] : [])];
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  // Ctrl+C goes to both: the demo decides.
  process.on('SIGINT', () => undefined);
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  if (out === undefined) await rm(join(folder, MODEL_FILE), { force: true });
  if (signal !== null) process.stderr.write(`error: The demo was ended by ${signal}\n`);
  const reports = join(relative('', folder), 'reports');
  process.stdout.write(`\nAs a page: npx cuda-shutdown report ${reports} --html\n`);
  return code ?? 1;
}
