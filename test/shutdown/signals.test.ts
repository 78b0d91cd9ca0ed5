import { describe, expect, test } from '@jest/globals';
import { checkSignals, SignalGate } from '../../lib/shutdown/signals.js';

describe('the names of the signals', () => {
  test('become numbers, each once', () => {
    expect(checkSignals(['SIGTERM', 'SIGINT', 'SIGTERM'])).toEqual([
      { name: 'SIGTERM', number: 15 },
      { name: 'SIGINT', number: 2 },
    ]);
  });

  test.each([['SIGKILL'], ['SIGSTOP'], ['SIGSEGV'], ['SIGILL'], ['SIGNOPE'], ['toString'], ['']])(
    'refuse %p',
    (name) => {
      expect(() => checkSignals([name])).toThrow(
        new RangeError(
          `Expected each name of the \`signals\` option to be a signal that can be caught, as SIGTERM, got \`${name}\` (string)`,
        ),
      );
    },
  );

  test.each([['SIGTERM'], [{}], [[15]]])('refuse %p', (value) => {
    expect(() => checkSignals(value)).toThrow(TypeError);
  });
});

test('the gate swallows duplicates for 500 ms', () => {
  const gate = new SignalGate();
  expect([1000, 1001, 1499, 1500, 9000].map((now) => gate.pass(now))).toEqual([
    'first',
    'duplicate',
    'duplicate',
    'second',
    'second',
  ]);
});
