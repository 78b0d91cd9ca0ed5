/** The options of emptyCache and synchronize: what is refused, before any device is asked. */

import { describe, expect, test } from '@jest/globals';

import { cuda } from '../../lib/cuda/index.js';

const BAD: readonly [options: unknown, error: ErrorConstructor, message: string][] = [
  [null, TypeError, 'Expected the options to be an object, got `null` (null)'],
  [5, TypeError, 'Expected the options to be an object, got `5` (number)'],
  [
    { timeout: 5 },
    TypeError,
    'Expected the option name to be one of signal, timeoutMs, got `timeout` (string)',
  ],
  [
    { timeoutMs: '5' },
    TypeError,
    'Expected the `timeoutMs` option to be a positive number, got `5` (string)',
  ],
  [
    { timeoutMs: -1 },
    RangeError,
    'Expected the `timeoutMs` option to be a positive number, got `-1` (number)',
  ],
  [
    { timeoutMs: 0 },
    RangeError,
    'Expected the `timeoutMs` option to be a positive number, got `0` (number)',
  ],
  [
    { timeoutMs: NaN },
    RangeError,
    'Expected the `timeoutMs` option to be a positive number, got `NaN` (number)',
  ],
  [
    { signal: {} },
    TypeError,
    'Expected the `signal` option to be an AbortSignal, got `Object` (object)',
  ],
];

describe.each(['emptyCache', 'synchronize'] as const)('%s', (name) => {
  test.each(BAD)('rejects the options %j', async (options, error, message) => {
    const promise = cuda[name](0, options as never);
    await expect(promise).rejects.toThrow(error);
    await expect(promise).rejects.toHaveProperty('message', message);
  });
});
