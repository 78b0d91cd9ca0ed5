/** What `disposable` takes, and the options that all adapters have. */

import { describe, expect, test } from '@jest/globals';

import { disposable, type DisposableLike } from '../../../lib/runtimes/disposable.js';
import type { RuntimeOptions } from '../../../lib/runtimes/options.js';

const METHODS = ['dispose', 'release', 'close', Symbol.asyncDispose, Symbol.dispose] as const;

describe.each(METHODS.map((method, index) => ({ method, index })))(
  'an object with $method',
  ({ method, index }) => {
    test('is disposed of by it, in preference to those behind it', async () => {
      const calls: unknown[][] = [];
      const object = Object.fromEntries(
        METHODS.slice(index).map((key) => [
          key,
          function (this: unknown, ...args: unknown[]) {
            calls.push([key, this === object, ...args]);
          },
        ]),
      ) as unknown as DisposableLike;
      await disposable(object, { name: 'm' }).unload();
      expect(calls).toEqual([[method, true]]);
    });
  },
);

test('a function with a method is taken as well', async () => {
  let released = false;
  const work = Object.assign(() => 'done', { release: () => (released = true) });
  await disposable(work, { name: 'm' }).unload();
  expect(released).toBe(true);
});

test.each([undefined, null, 1, 'text', {}, { dispose: true }])('%p is refused', (object) => {
  expect(() => disposable(object as never, { name: 'm' })).toThrow(
    'Expected what is to be disposed of to be an object with one of dispose, release, close',
  );
});

test('what another adapter disposes of is refused', () => {
  const object = { dispose: () => undefined };
  disposable(object, { name: 'first' });
  expect(() => disposable(object, { name: 'second' })).toThrow(
    "Expected what the model second disposes of to be no other model's (it is first's)",
  );
});

describe('options', () => {
  const refused: [object | undefined, string][] = [
    [undefined, 'Expected the `name` option to be a non-empty string, got `undefined` (undefined)'],
    [{ name: '' }, 'Expected the `name` option to be a non-empty string'],
    [
      { name: 'm', nmae: 1 },
      'Expected the option name to be one of name, bytes, device, abortAfterMs',
    ],
    [{ name: 'm', bytes: '1' }, 'Expected the `bytes` option to be an integer of at least 0'],
    [{ name: 'm', bytes: 1.5 }, 'Expected the `bytes` option to be an integer of at least 0'],
    [{ name: 'm', bytes: -1 }, 'Expected the `bytes` option to be an integer of at least 0'],
    [{ name: 'm', abortAfterMs: NaN }, 'Expected the `abortAfterMs` option to be a number of'],
    [{ name: 'm', abortAfterMs: null }, 'Expected the `abortAfterMs` option to be a number of'],
  ];
  test.each(refused)('%p', (options, message) => {
    const object = { dispose: () => undefined };
    expect(() => disposable(object, options as RuntimeOptions)).toThrow(message);
    // And nothing has been taken over.
    disposable(object, { name: 'm' });
  });

  test('what is known of the bytes is there to be read', () => {
    const object = { dispose: () => undefined };
    expect(disposable(object, { name: 'm', bytes: 12 }).bytes).toBe(12);
    expect(disposable({ ...object }, { name: 'm' }).bytes).toBe(0);
  });
});
