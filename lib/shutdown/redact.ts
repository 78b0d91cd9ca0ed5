/**
 * The `redact` hook around everything that a shutdown lets out: what passes here once is what the
 * observers, the service's listeners and the report get. Lives as long as its shutdown.
 */

import { plain } from '../common/json.js';
import { toError } from '../common/errors.js';
import type { ProgressItem } from './events.js';
import type { Logger } from './logger.js';

/** Takes out of a text what nobody should read, as tokens and names. Must answer at once. */
export type Redact = (text: string) => string;

/** What stands for a text that the hook could not answer for. */
export const REDACTION_FAILED = '(redaction failed)';

export class Redactor {
  readonly #hook: Redact | undefined;
  readonly #failed: (error: Error) => void;
  #failure: Error | undefined;

  /** `failed` hears once that the hook threw, or answered with no string. */
  constructor(hook: Redact | undefined, failed: (error: Error) => void) {
    this.#hook = hook;
    this.#failed = failed;
  }

  text(text: string): string {
    if (this.#hook === undefined) return text;
    try {
      const redacted: unknown = this.#hook(text);
      if (typeof redacted === 'string') return redacted;
      this.#tell(`answered with no string (${typeof redacted})`);
    } catch (thrown) {
      // Not its message: what it threw may hold the very text.
      this.#tell(`threw ${thrown instanceof TypeError ? 'a TypeError' : 'an error'}`);
    }
    return REDACTION_FAILED;
  }

  item(item: ProgressItem): ProgressItem {
    if (this.#hook === undefined) return item;
    const { name, text } = item;
    return {
      ...item,
      name: this.text(name),
      ...(text === undefined ? {} : { text: this.text(text) }),
    };
  }

  /** A copy with every text redacted: message, stack, causes and, of an aggregate, the errors inside. */
  error(error: Error): Error {
    if (this.#hook === undefined || error === this.#failure) return error;
    return this.#copy(error, new Map());
  }

  /** What JSON can hold of the value, with every string in it redacted; the keys stay. */
  value(value: unknown): unknown {
    return this.#hook === undefined ? value : this.#strings(plain(value));
  }

  /** A logger through which steps can say what they like. */
  logger(logger: Logger): Logger {
    if (this.#hook === undefined) return logger;
    const through =
      (level: keyof Logger) =>
      (message: string, facts?: object): void => {
        if (facts === undefined) logger[level](this.text(message));
        else logger[level](this.text(message), this.value(facts) as object);
      };
    return { info: through('info'), warn: through('warn'), error: through('error') };
  }

  #copy(error: Error, seen: Map<unknown, Error>): Error {
    const known = seen.get(error);
    if (known !== undefined) return known;
    const copy = new Error();
    seen.set(error, copy);
    try {
      const { name, message, stack, code, cause, errors } = error as Partial<AggregateError> & {
        code?: unknown;
      };
      const set = (key: string, value: unknown): void => {
        Object.defineProperty(copy, key, { value, configurable: true, writable: true });
      };
      set('name', name);
      set('message', this.text(String(message)));
      set('stack', typeof stack === 'string' ? this.text(stack) : undefined);
      if (code !== undefined) set('code', typeof code === 'string' ? this.text(code) : code);
      if (typeof cause === 'string') set('cause', this.text(cause));
      else if (cause !== undefined && cause !== null)
        set('cause', this.#copy(toError(cause), seen));
      if (Array.isArray(errors)) {
        set(
          'errors',
          errors.map((one) => this.#copy(toError(one), seen)),
        );
      }
    } catch {
      // A getter of the service's own error threw.
      copy.message = REDACTION_FAILED;
    }
    return copy;
  }

  #strings(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value);
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((one) => this.#strings(one));
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, this.#strings(one)]));
  }

  #tell(how: string): void {
    if (this.#failure !== undefined) return;
    const told = new Error(`The \`redact\` hook ${how}: such texts are left out`);
    this.#failure = told;
    this.#failed(told);
  }
}
