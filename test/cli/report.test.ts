/** `cuda-shutdown report`, on what real shutdowns left. */

import { beforeAll, describe, expect, test } from '@jest/globals';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { evidenceOf, fileIn, runCli } from '../support/cli.js';
import { makeFolder } from '../support/folder.js';

let failing: string;
let blocked: string;

beforeAll(async () => {
  [failing, blocked] = await Promise.all([
    evidenceOf('page-failing.mjs'),
    evidenceOf('page-blocked.mjs'),
  ]);
});

describe('in the terminal', () => {
  test('a folder is its last shutdown: steps, their last words, what the console says', async () => {
    const { code, stdout, stderr } = await runCli(['report', failing]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.split('\n');
    expect(lines.find((line) => line.includes('jobs'))).toMatch(
      /^✗ jobs +·+▒+ +1\.\d s {2}timed out {2}12 of 40 jobs handed back$/,
    );
    expect(lines.find((line) => line.includes('telemetry'))).toMatch(/^! .*▓.* failed$/);
    expect(stdout).toMatch(/✗ Shutdown \(SIGTERM\): degraded after \d/);
    expect(stdout).toContain('(cause: connect ECONNREFUSED 10.0.3.17:5432)');
  });

  test('a report, a journal, and both under other names say the same', async () => {
    const [report, journal] = [fileIn(failing, 'report.json'), fileIn(failing, 'journal.jsonl')];
    const alone = makeFolder();
    copyFileSync(report, join(alone, 'prod.json'));
    copyFileSync(journal, join(alone, 'prod.log'));
    const paths = [report, journal, join(alone, 'prod.json'), join(alone, 'prod.log')];
    for (const path of paths) {
      const { code, stdout } = await runCli(['report', path]);
      expect({ path, code }).toEqual({ path, code: 0 });
      expect(stdout).toContain('✗ database');
      expect(stdout).toContain('The last batch could not be written');
    }
  });

  test('a shutdown that was cut off is what its journal knows', async () => {
    const { code, stdout } = await runCli(['report', blocked]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/✗ model +·*░+ +1\.\d s {2}cut off/);
    expect(stdout).toMatch(/✗ logs +·+ +not begun/);
    expect(stdout).toMatch(/✗ Shutdown \(SIGTERM\): cut off after \d\.\d s, exit code 124/);
    expect(stdout).toContain('Watchdog: the deadline of 1500 ms passed');
  });

  test.each([
    [{ FORCE_COLOR: '1', NO_COLOR: '' }, true],
    [{ FORCE_COLOR: '1', NO_COLOR: '1' }, true],
    [{ FORCE_COLOR: '0' }, false],
    [{}, false],
  ])('%j has colours: %p', async (env, coloured) => {
    const { stdout, stderr } = await runCli(['report', failing], { env });
    expect(stdout.includes('\u001b[31m✗')).toBe(coloured);
    expect(stderr).not.toContain('error');
  });

  test('a reader that leaves early is nobody’s failure', async () => {
    const end = await runCli(['report', failing, '--html', '-'], {
      under: (command) => ['bash', '-o', 'pipefail', '-c', '"$@" | head -c 9', 'bash', ...command],
    });
    expect(end).toMatchObject({ code: 0, stdout: '<!doctype', stderr: '' });
  });
});

describe('for programs', () => {
  test('--json is all that is known, from report and journal', async () => {
    const { stdout } = await runCli(['report', failing, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      complete: true,
      file: fileIn(failing, 'report.json'),
      outcome: 'degraded',
      timeoutMs: 3000,
      delayMs: 250,
      steps: expect.arrayContaining([
        expect.objectContaining({ name: 'jobs', status: 'timed-out', phase: 'service' }),
      ]),
    });
    const cutOff = await runCli(['report', blocked, '--json']);
    expect(JSON.parse(cutOff.stdout)).toMatchObject({
      complete: false,
      outcome: 'cut-off',
      exitCode: 124,
      watchdog: { pending: 'model' },
    });
  });

  test('--html and --trace write files, by default called as the shutdown', async () => {
    const folder = makeFolder();
    const stem = /([^/]+)\.report\.json$/.exec(fileIn(failing, 'report.json'))?.[1] ?? '';
    const { code, stdout, stderr } = await runCli(
      ['report', failing, '--trace', '--html', join(folder, 'a.html')],
      { under: (command) => ['bash', '-c', 'cd "$0" && exec "$@"', folder, ...command] },
    );
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toContain(`Page: ${join(folder, 'a.html')} (`);
    expect(readFileSync(join(folder, 'a.html'), 'utf8')).toMatch(/^<!doctype html>[^]*<\/html>\n$/);
    const trace = readFileSync(join(folder, `${stem}.trace.json`), 'utf8');
    expect(JSON.parse(trace)).toHaveProperty('traceEvents');
  });
});

describe('what cannot be read', () => {
  const put = (name: string, content: string): string => {
    const path = join(makeFolder(), name);
    writeFileSync(path, content);
    return path;
  };

  test.each([
    ['nothing there', () => '/nowhere/at/all', 'Expected a file or a folder at `/nowhere/at/all`'],
    ['an empty folder', () => makeFolder(), 'to hold a report (…report.json) or a journal'],
    ['half a report', () => put('x.report.json', '{"version": 1, "st'), 'is damaged'],
    ['another version', () => put('x.report.json', '{"version": 2, "steps": []}'), 'is damaged'],
    ['an empty journal', () => put('x.journal.jsonl', ''), 'is damaged'],
    ['any other file', () => put('notes.txt', 'milk\nbread\n'), 'is damaged'],
    ['a folder of the name', () => mkdirNamed('x.report.json'), 'to hold a report'],
  ])('%s: a sentence, and exit code 1', async (_, make, message) => {
    const { code, stdout, stderr } = await runCli(['report', make()]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^error: Expected .*\n$/);
    expect(stderr.replace('.report.json)', 'report.json)')).toContain(message);
  });

  test('a damaged report is said, though its journal is whole', async () => {
    const folder = makeFolder();
    const report = join(folder, '2026-01-02T030405.678Z-1.report.json');
    writeFileSync(report, '{');
    copyFileSync(fileIn(failing, 'journal.jsonl'), report.replace('report.json', 'journal.jsonl'));
    expect(await runCli(['report', report])).toMatchObject({ code: 1, stdout: '' });
    // A folder is what is left of its last shutdown.
    expect(await runCli(['report', folder])).toMatchObject({ code: 0 });
    rmSync(report);
  });

  test.each([
    ['/nowhere/x.html', 'ENOENT'],
    ['/dev/full', 'ENOSPC'],
    ['/proc/x.html', 'ENOENT'],
  ])('a page that cannot be written to %s', async (out, reason) => {
    const end = await runCli(['report', failing, '--html', out]);
    expect(end).toMatchObject({ code: 1, stdout: '' });
    expect(end.stderr).toBe(`error: Expected \`${out}\` to be writable, got ${reason}\n`);
  });
});

function mkdirNamed(name: string): string {
  const folder = join(makeFolder(), name);
  mkdirSync(folder);
  return folder;
}

describe('wrong use', () => {
  test.each([
    [[], 'Usage: cuda-shutdown'],
    [['doctr'], "error: unknown command 'doctr'"],
    [['report', '--jsn'], "error: unknown option '--jsn'"],
    [['report', 'a', 'b'], 'error: too many arguments'],
    [['doctor', '--timeout-ms', '-1'], 'Expected a positive number, got `-1` (string)'],
    [['doctor', '--grace-seconds', 'soon'], 'Expected a positive number, got `soon` (string)'],
    [['doctor', '--report'], "error: option '--report <dir>' argument missing"],
    [['report', '--html', 'x.report.json'], 'which is what is read'],
    [['report', '--html', '-', '--trace', '-'], 'Expected at most one of'],
    [['report', '--json', '--html', '-'], 'Expected at most one of'],
  ])('%j: exit code 2, and stderr says why', async (args, message) => {
    const { code, stdout, stderr } = await runCli(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  test.each([['--help'], ['doctor', '--help'], ['report', '--help'], ['demo', '-h']])(
    '%s %s is help on stdout',
    async (...args) => {
      const { code, stdout, stderr } = await runCli(args);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(/^Usage: cuda-shutdown/);
    },
  );

  test('--version is that of the package', async () => {
    const { version } = JSON.parse(
      readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
    ) as { version: string };
    expect(await runCli(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n` });
  });
});
