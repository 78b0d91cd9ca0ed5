/** Calls a user's listener. Its fault is its own and must not break off our work: it becomes a warning. */

import { toError } from './errors.js';

export function notify<A extends unknown[]>(
  listener: ((...args: A) => unknown) | undefined,
  ...args: A
): void {
  try {
    listener?.(...args);
  } catch (thrown) {
    const { message, stack = message } = toError(thrown);
    // As text, because an error of another realm is not accepted as one.
    process.emitWarning(stack);
  }
}
