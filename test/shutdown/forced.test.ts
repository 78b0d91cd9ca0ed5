/** The last words of a shutdown that a second signal ends. */

import { expect, test } from '@jest/globals';
import { Child } from '../support/child.js';
import { makeFolder, readReport } from '../support/folder.js';

const secondSignal = async (folder: string, way: string, name: NodeJS.Signals): Promise<Child> => {
  const child = new Child('forced.mjs', { args: [folder, way] });
  await child.saw('ready');
  child.signal('SIGTERM');
  await child.saw('done ok');
  await new Promise((resolve) => setTimeout(resolve, 600));
  child.signal(name);
  return child;
};

test('listeners of `forced` are called before the end, and cannot hold it up', async () => {
  const folder = makeFolder();
  const { stdout, ...end } = await (await secondSignal(folder, '', 'SIGHUP')).end;
  expect(end).toMatchObject({ code: 129, signal: null });
  const lines = stdout.trim().split('\n');
  expect(lines.slice(-2)).toEqual(['last words', 'end forced']);
  const event = JSON.parse(lines.at(-3) ?? '') as { elapsedMs: number };
  expect(event).toMatchObject({ by: 'a second signal, SIGHUP', exitCode: 129, pending: ['hung'] });
  expect(event.elapsedMs).toBeGreaterThan(500);
  expect(readReport(folder)).toMatchObject({
    outcome: 'forced',
    exitCode: 129,
    errors: [{ step: '(observer)', message: 'listener' }, { step: 'hung' }],
  });
});

test('one that never returns is ended by the watchdog', async () => {
  const child = await secondSignal(makeFolder(), 'hangs', 'SIGINT');
  const end = await child.end;
  expect(end).toMatchObject({ code: 130, signal: null });
  expect(end.stdout).toContain('last words');
  expect(end.stdout).not.toContain('end forced');
  expect(end.stderr).toContain('a second signal ended it');
  expect(end.durationMs).toBeLessThan(10_000);
});
