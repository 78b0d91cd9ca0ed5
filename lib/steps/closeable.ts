/** Makes a step of anything that can be closed: pools, clients, servers, streams, functions. */

import { once } from 'node:events';
import { expected } from '../common/expected.js';
import { optionsObject } from '../common/options.js';
import {
  type Step,
  type StepContext,
  STEP_OPTION_NAMES,
  type StepOptions,
} from '../shutdown/step.js';

type Method = (this: unknown, ...args: unknown[]) => unknown;
type Callback = (error?: unknown, value?: unknown) => void;

/** What `closeable` takes: an object with one of these methods, or a function. */
export type Closeable =
  | { close(...args: never[]): unknown }
  | { end(...args: never[]): unknown }
  | { destroy(...args: never[]): unknown }
  | { dispose(...args: never[]): unknown }
  | AsyncDisposable
  | Disposable
  | ((...args: never[]) => unknown);

/** In the order of preference: the first that is there is called, once. */
const METHODS = [
  'close',
  'end',
  'destroy',
  'dispose',
  Symbol.asyncDispose,
  Symbol.dispose,
] as const;

/**
 * A step that closes `target` by the first of its methods `close`, `end`, `destroy`, `dispose`,
 * `[Symbol.asyncDispose]`, `[Symbol.dispose]`; a function is called. A returned promise is awaited.
 * Where none is returned and `close`, `end` or the function declares a parameter, that parameter is
 * taken to be a Node callback, and waited for: wrap what takes anything else, `() => db.close(true)`.
 * After `destroy` the `close` event of a stream is waited for.
 * @throws TypeError when `target` has none of the methods.
 */
export function closeable(name: string, target: Closeable, options?: StepOptions): Step {
  const close = closerOf(target);
  return { ...optionsObject(options, STEP_OPTION_NAMES), name, run: close };
}

function closerOf(target: unknown): (context: StepContext) => Promise<unknown> {
  if (typeof target === 'function') return () => called(target as Method, undefined);
  for (const key of METHODS) {
    const method = (target as Partial<Record<PropertyKey, unknown>> | null | undefined)?.[key];
    if (typeof method !== 'function') continue;
    if (key === 'destroy') return ({ signal }) => destroyed(method as Method, target, signal);
    if (key === 'close' || key === 'end') return () => called(method as Method, target);
    return async () => {
      await method.call(target);
    };
  }
  const names = METHODS.map((key) => key.toString()).join(', ');
  throw new TypeError(
    expected('what is to be closed', `a function or to have one of ${names}`, target),
  );
}

/** Calls a function that answers with a promise, by a callback, or not at all. */
function called(method: Method, target: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const callback: Callback = (error) => {
      if (error === undefined || error === null || isAlreadyClosed(error)) resolve(undefined);
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- theirs, as it is
      else reject(error);
    };
    if (method.length === 0) resolve(method.call(target));
    else {
      const returned = method.call(target, callback);
      if (isThenable(returned)) resolve(returned);
    }
  });
}

/** Never with a callback: the parameter of a stream's `destroy` is an error. */
async function destroyed(method: Method, target: unknown, signal: AbortSignal): Promise<void> {
  const stream = target as { once?: unknown; closed?: unknown };
  if (typeof stream.once !== 'function' || stream.closed !== false) {
    await method.call(target);
    return;
  }
  const closed = once(target as NodeJS.EventEmitter, 'close', { signal });
  await Promise.all([closed, method.call(target)]);
}

function isAlreadyClosed(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'ERR_SERVER_NOT_RUNNING';
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
