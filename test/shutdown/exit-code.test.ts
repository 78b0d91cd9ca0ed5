import { describe, expect, test } from '@jest/globals';
import { exitCodeOf, outcomeOf, signalExitCode } from '../../lib/shutdown/exit-code.js';
import { writesAtExit } from '../../lib/shutdown/exit.js';

const ok = { status: 'ok', optional: false } as const;
const failed = { status: 'failed', optional: false } as const;
const optional = { status: 'failed', optional: true } as const;

describe('the exit code', () => {
  test.each([
    ['no steps', [], undefined, 0],
    ['every step ok', [ok, ok], undefined, 0],
    ['a failed step', [ok, failed], undefined, 1],
    ['a step that timed out', [{ status: 'timed-out', optional: false } as const], undefined, 1],
    ['a skipped step', [{ status: 'skipped', optional: false } as const], undefined, 1],
    ['an optional step that failed', [ok, optional], undefined, 0],
    ["the service's own code", [ok], 7, 7],
    ["the service's own code, as text", [ok], '7', 7],
    ["the service's own code and a failed step", [failed], 7, 1],
  ])('of %s', (_, steps, own, code) => {
    expect(exitCodeOf(steps, own, false)).toBe(code);
  });

  test('of an uncaught error is 1, whatever the service and the steps say', () => {
    expect(exitCodeOf([ok], 7, true)).toBe(1);
    expect(outcomeOf([ok], true)).toBe('degraded');
  });

  test('of a second SIGINT is 130', () => {
    expect(signalExitCode(2)).toBe(130);
  });
});

test('an optional step that failed makes the outcome degraded', () => {
  expect(outcomeOf([ok], false)).toBe('clean');
  expect(outcomeOf([ok, optional], false)).toBe('degraded');
});

describe('a hard exit would lose what Node writes', () => {
  test.each([
    [{ NODE_V8_COVERAGE: '/tmp/x' }, [], true],
    [{ NODE_OPTIONS: '--enable-source-maps --cpu-prof' }, [], true],
    [{}, ['--heap-prof'], true],
    [{}, ['--prof'], true],
    [{}, ['--cpu-prof-dir=/tmp', '--cpu-prof=true'], true],
    [{}, ['--prof-process'], false],
    [{ NODE_V8_COVERAGE: '' }, ['--enable-source-maps'], false],
  ])('with %j %j: %p', (env, execArgv, answer) => {
    expect(writesAtExit(env, execArgv)).toBe(answer);
  });
});
