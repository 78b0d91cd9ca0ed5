/** An addon that is missing or broken: the error says what was tried, and what to do. */

import { describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { makeFolder } from '../support/folder.js';
import { copyInto, linkDependencies } from '../support/package-copy.js';

interface Answer {
  readonly value?: unknown;
  readonly error?: {
    readonly name: string;
    readonly code: string;
    readonly message: string;
    readonly cause?: unknown;
  };
}

const FIXTURES = ['addon-missing.mjs', 'cuda-common.mjs'].map((name) => `test/fixtures/${name}`);

/** What a package answers whose build/Release has these files. */
function answersWith(
  backend: string,
  files: Readonly<Record<string, string>>,
): { folder: string; answers: Answer[] } {
  const folder = makeFolder();
  copyInto(folder, 'package.json', 'dist', ...FIXTURES);
  linkDependencies(folder);
  const release = join(folder, 'build/Release');
  mkdirSync(release, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(release, name), text);
  const env = { ...process.env, CUDA_SHUTDOWN_BACKEND: backend, NODE_OPTIONS: '' };
  const stdout = execFileSync(process.execPath, [join(folder, FIXTURES[0] ?? '')], {
    env,
    encoding: 'utf8',
  });
  return { folder, answers: JSON.parse(stdout.replace('told ', '')) as Answer[] };
}

const SOLUTIONS = [
  'Possible solutions:',
  'npm rebuild cuda-shutdown',
  'npm install-scripts approve cuda-shutdown',
  `${process.platform}-${process.arch}`,
];

describe.each(['auto', 'simulated'])('CUDA_SHUTDOWN_BACKEND=%s', (backend) => {
  test('without any addon, every call throws one', () => {
    const { folder, answers } = answersWith(backend, {});
    const path = join(folder, 'build/Release/cuda_shutdown_simulated.node');
    for (const { error } of answers) {
      expect(error).toMatchObject({ name: 'Error', code: 'ERR_ADDON_NOT_LOADED' });
      expect(error?.message.split('\n')[0]).toBe(
        `Expected the addon ${path} to load, but it is not there`,
      );
      for (const text of SOLUTIONS) expect(error?.message).toContain(text);
      expect(error?.cause).toBeDefined();
    }
  });
});

test.each([
  ['auto', 'cuda_shutdown'],
  ['cuda', 'cuda_shutdown'],
  ['simulated', 'cuda_shutdown_simulated'],
])('%s with an addon that is broken names the file and the reason', (backend, name) => {
  const { folder, answers } = answersWith(backend, { [`${name}.node`]: 'no shared object' });
  const path = join(folder, `build/Release/${name}.node`);
  const [{ error } = { error: undefined }] = answers;
  expect(error?.code).toBe('ERR_ADDON_NOT_LOADED');
  expect(error?.message).toContain(
    `Expected the addon ${path} to load, but it is there but does not`,
  );
  expect(error?.message).toMatch(/invalid ELF header|file too short/);
  for (const text of SOLUTIONS) expect(error?.message).toContain(text);
});
