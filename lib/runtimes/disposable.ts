/** Anything that holds memory and has a method that gives it back. */

import { expected } from '../common/expected.js';
import { type RuntimeOptions, runtimeSettings } from './options.js';
import { RuntimeModel } from './runtime-model.js';

/** What `disposable` takes: an object with one of these methods. */
export type DisposableLike =
  | { dispose(): unknown }
  | { release(): unknown }
  | { close(): unknown }
  | AsyncDisposable
  | Disposable;

/** In the order of preference: the first that is there is called, once, without arguments. */
const METHODS = ['dispose', 'release', 'close', Symbol.asyncDispose, Symbol.dispose] as const;

/**
 * Takes over `object`: leases around the work with it, and one disposal after them, by the first of
 * its methods `dispose`, `release`, `close`, `[Symbol.asyncDispose]`, `[Symbol.dispose]`; a promise
 * that it returns is awaited.
 *
 * @throws TypeError when `object` has none of the methods, or an option is wrong
 */
export function disposable(object: DisposableLike, options: RuntimeOptions): RuntimeModel {
  const methods = object as Partial<Record<PropertyKey, unknown>> | null | undefined;
  const key = METHODS.find((name) => typeof methods?.[name] === 'function');
  if (key === undefined) {
    const names = METHODS.map((name) => name.toString()).join(', ');
    throw new TypeError(
      expected('what is to be disposed of', `an object with one of ${names}`, object),
    );
  }
  const dispose = (): unknown => (methods?.[key] as () => unknown).call(object);
  return new RuntimeModel(runtimeSettings(options), object, dispose);
}
