/** Errors as they stand in a report or a log: pure, and never throws, whatever was thrown. */

import { toError } from '../common/errors.js';
import type { ReportedError } from './report.js';

export type ErrorDescription = Omit<ReportedError, 'step'>;

const MAX_CAUSES = 8;

/** The errors inside an `AggregateError`, and inside those inside it; of any other error, itself. */
export function flattenError(error: Error): readonly Error[] {
  const flat: Error[] = [];
  const seen = new Set<Error>();
  const visit = (current: Error): void => {
    if (seen.has(current)) return;
    seen.add(current);
    const inner = (current as Partial<AggregateError>).errors;
    if (!Array.isArray(inner) || inner.length === 0) flat.push(current);
    else for (const thrown of inner) visit(toError(thrown));
  };
  visit(error);
  return flat;
}

export function describeError(error: Error): ErrorDescription {
  const { code, stack } = error as { code?: unknown; stack?: unknown };
  const cause = causesOf(error);
  return {
    name: nameOf(error),
    message: messageOf(error),
    ...(typeof code === 'string' || typeof code === 'number' ? { code: String(code) } : {}),
    ...(typeof stack === 'string' ? { stack } : {}),
    ...(cause === '' ? {} : { cause }),
  };
}

/** The message; of an `AggregateError` without one, the messages inside it. */
export function messageOf(error: Error): string {
  const message = text(error.message);
  if (message !== '') return message;
  const inner = flattenError(error).filter((one) => one !== error);
  return inner.map(messageOf).join('; ');
}

function nameOf(error: Error): string {
  return text(error.name) || 'Error';
}

/** The messages of the causes, outermost first. */
function causesOf(error: Error): string {
  const messages: string[] = [];
  let { cause } = error;
  while (cause !== undefined && cause !== null && messages.length < MAX_CAUSES) {
    const current = toError(cause);
    // What toError() makes of a value that is no Error carries that value as its cause again.
    if (current !== cause) {
      messages.push(typeof cause === 'string' ? cause : messageOf(current));
      break;
    }
    messages.push(messageOf(current));
    cause = current.cause;
  }
  return messages.join(': ');
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
