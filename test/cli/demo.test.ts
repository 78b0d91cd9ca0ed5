/** `cuda-shutdown demo`, as it is installed: without the sources. */

import { beforeAll, expect, test } from '@jest/globals';
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { runCli } from '../support/cli.js';
import { type ChildEnd } from '../support/child.js';
import { makeFolder } from '../support/folder.js';
import { copyInto, linkDependencies, root } from '../support/package-copy.js';

const app = makeFolder();
const installed = join(app, 'node_modules/cuda-shutdown');
const command = join(app, 'node_modules/.bin/cuda-shutdown');

beforeAll(() => {
  linkDependencies(app);
  mkdirSync(join(app, 'node_modules/.bin'), { recursive: true });
  copyInto(installed, 'package.json', 'dist');
  cpSync(join(root, 'build/Release'), join(installed, 'build/Release'), { recursive: true });
  // As npm does.
  symlinkSync('../cuda-shutdown/dist/cli/main.js', command);
});

function run(args: readonly string[], env: Record<string, string> = {}): Promise<ChildEnd> {
  return runCli(args, {
    env: { CUDA_SHUTDOWN_BACKEND: 'simulated', ...env },
    under: ([, , ...given]) => ['bash', '-c', 'cd "$0" && exec "$@"', app, command, ...given],
  });
}

test('ends as its service does, and leaves a report, but no model file', async () => {
  const TMPDIR = makeFolder();
  const end = await run(['demo'], { TMPDIR });
  expect(end).toMatchObject({ code: 0, signal: null });
  expect(end.stdout).toMatch(/(\d+) requests were accepted, \1 were answered/);
  const [folder = ''] = readdirSync(TMPDIR);
  expect(readdirSync(join(TMPDIR, folder)).sort()).toEqual(['reports', 'service.log']);
  const shown = /npx cuda-shutdown (report .* --html)/.exec(end.stdout)?.[1]?.split(' ') ?? [];
  expect(await run([...shown, 'page.html'])).toMatchObject({ code: 0 });
  expect(existsSync(join(app, 'page.html'))).toBe(true);
});

test('with a model that hangs it ends with 1, and its folder is the one that was asked for', async () => {
  const out = join(makeFolder(), 'out');
  const end = await run(['demo', '--hang', '--out', out]);
  expect(end).toMatchObject({ code: 1, signal: null });
  expect(end.stdout).toContain('cudaFreeAsync hangs');
  expect(readdirSync(join(out, 'reports'))).toHaveLength(2);
});
