/** The console on terminals of their own, made by `script`. */

import { expect, test } from '@jest/globals';
import { stripVTControlCharacters } from 'node:util';
import { fixturePath, runChild, type ChildEnd } from '../../support/child.js';

function run(columns: number): Promise<ChildEnd> {
  const quoted = (command: readonly string[]): string =>
    command.map((word) => `'${word}'`).join(' ');
  return runChild('on-a-terminal.mjs', {
    env: { TERM: 'xterm' },
    under: (command) => [
      ...['env', '-u', 'CI', 'script', '--quiet', '--return', '--command'],
      `stty cols ${columns} rows 24; exec ${quoted(command)}`,
      '/dev/null',
    ],
  });
}

test('on a terminal a spinner turns, and every step leaves its line', async () => {
  const { code, stdout } = await run(80);
  const text = stripVTControlCharacters(stdout);
  expect(code).toBe(1);
  expect(text).toMatch(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] http +\d+ ms {2}1 request in flight/u);
  expect(text).toMatch(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] db +\d+ ms/u);
  expect(text).toMatch(/✓ db +\d+ ms/u);
  expect(text).toMatch(/✗ cache +\d+ ms {2}failed\r\n {4}Error: gone/u);
  expect(text).toMatch(/✓ http +\d+ ms {2}2 requests drained/u);
  expect(text).toContain('✗ Shutdown (SIGINT): degraded');
  // One of ours for each signal; none of ora's, and the keyboard as it was.
  expect(text).toMatch(/listeners 1,1,\d raw (?:false|undefined)/u);
  expect(stdout).not.toContain('\u001b[?25l');
});

test('on a terminal of 0 columns there are plain lines', async () => {
  const { code, stdout } = await run(0);
  const text = stripVTControlCharacters(stdout);
  expect(code).toBe(1);
  expect(text).not.toMatch(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/u);
  expect(text).toMatch(/✓ http +\d+ ms {2}2 requests drained/u);
});

test('a terminal that takes nothing, as after Ctrl+S, holds neither the start nor the end', async () => {
  const { code } = await runChild('on-a-terminal.mjs', {
    env: { TERM: 'xterm' },
    under: (command) => [
      ...['env', '-u', 'CI', 'python3', fixturePath('terminal.py'), '--stopped', '80x24'],
      ...command,
    ],
  });
  expect(code).toBe(1);
});
