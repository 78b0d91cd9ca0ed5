import { describe, expect, test } from '@jest/globals';
import { createShutdown } from '../../lib/create-shutdown.js';

describe('createShutdown', () => {
  test.each([
    [{ timeout: 3 }, TypeError, 'Expected the option name to be one of timeoutMs, signals, '],
    [{ timeoutMs: 0 }, RangeError, 'Expected the `timeoutMs` option to be a positive number'],
    [{ timeoutMs: '3' }, TypeError, 'got `3` (string)'],
    [
      { timeoutMs: Infinity },
      RangeError,
      'Expected the `timeoutMs` option to be a number of at most 2147483647, got `Infinity` (number)',
    ],
    [{ signals: 'SIGTERM' }, TypeError, 'Expected the `signals` option to be an array'],
    [{ signals: ['SIGKILL'] }, RangeError, 'got `SIGKILL` (string)'],
    [
      { delayMs: -1 },
      RangeError,
      'Expected the `delayMs` option to be a finite number of at least 0',
    ],
    [{ delayMs: '1' }, TypeError, 'got `1` (string)'],
    [
      { delayMs: 500, timeoutMs: 500 },
      RangeError,
      'Expected the `delayMs` option to be less than `timeoutMs`, which is 500, got `500` (number)',
    ],
    [{ ipc: 'shutdown' }, TypeError, 'Expected the `ipc` option to be true, or an array of'],
    [{ ipc: ['stop'] }, RangeError, "to be 'shutdown' or 'disconnect', got `stop` (string)"],
    [{ ipc: [1] }, TypeError, 'got `1` (number)'],
    [{ uncaught: 1 }, TypeError, 'Expected the `uncaught` option to be a boolean'],
    [{ exit: 'no' }, TypeError, 'Expected the `exit` option to be a boolean'],
    [{ logger: { info: () => 0 } }, TypeError, 'Expected the `logger` option to be an object with'],
    [{ console: 'always' }, TypeError, "Expected the `console` option to be 'auto' or a boolean"],
    [{ report: true }, TypeError, 'Expected the `report` option to be a non-empty string'],
    [{ report: '' }, TypeError, 'Expected the `report` option to be a non-empty string'],
    [{ redact: 'all' }, TypeError, 'Expected the `redact` option to be a function, got `all`'],
    [{ watchdog: 1 }, TypeError, 'Expected the `watchdog` option to be a boolean'],
    [null, TypeError, 'Expected the options to be an object, got `null` (null)'],
  ])('refuses %p', (options, error, message) => {
    expect(() => createShutdown(options as never)).toThrow(error);
    expect(() => createShutdown(options as never)).toThrow(message);
  });

  test('takes nothing, and what is undefined', () => {
    expect(createShutdown().signal.aborted).toBe(false);
    expect(createShutdown({ timeoutMs: undefined, logger: undefined }).signal.aborted).toBe(false);
  });

  test('takes `console` as a logger', () => {
    expect(() => createShutdown({ logger: console })).not.toThrow();
  });
});
