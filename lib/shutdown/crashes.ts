/** Errors that nobody caught, and the only file that listens to them. */

import { toError } from '../common/errors.js';

/** The names of the events, which are also the reasons of the shutdowns that they begin. */
export type CrashOrigin = 'uncaughtException' | 'unhandledRejection';

/** Calls `crashed` for every one. Answers what stops the listening. */
export function listenToCrashes(crashed: (origin: CrashOrigin, error: Error) => void): () => void {
  // Under --unhandled-rejections=strict a rejection comes as an exception, and then as itself.
  let raised = false;
  const onException = (thrown: unknown, origin: CrashOrigin): void => {
    raised = origin === 'unhandledRejection';
    crashed(origin, toError(thrown));
  };
  const onRejection = (thrown: unknown): void => {
    if (!raised) crashed('unhandledRejection', toError(thrown));
    raised = false;
  };
  process.on('uncaughtException', onException);
  process.on('unhandledRejection', onRejection);
  return () => {
    process.off('uncaughtException', onException);
    process.off('unhandledRejection', onRejection);
  };
}
