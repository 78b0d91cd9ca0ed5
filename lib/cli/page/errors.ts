/** Errors on the page, each where it happened: what it says, its causes, and its stack on demand. */

import { oneLine } from '../../observers/console/text.js';
import type { ReportedError } from '../../shutdown/report.js';
import { html, type Html } from './html.js';

/** A report of many megabytes of errors must stay a page that opens; the rest stays in the report. */
const SHOWN_OF_ONE_PLACE = 10;
const SHOWN_OF_ALL = 200;
const SHOWN_PROBLEMS = 100;
const LONGEST_MESSAGE = 2000;
const LONGEST_STACK = 6000;

/** Hands the errors out, each once. Lives as long as one page is made. */
export class Errors {
  readonly #left: Set<ReportedError>;
  #shown = 0;

  constructor(errors: readonly ReportedError[]) {
    this.#left = new Set(errors);
  }

  /** That of a model: the step's error that says the same. */
  ofModel(step: string | undefined, message: string | undefined): Html | undefined {
    if (message === undefined) return undefined;
    const same = [...this.#left].find((error) => error.message === message && error.step === step);
    return same === undefined ? undefined : this.#take([same], SHOWN_OF_ONE_PLACE);
  }

  ofStep(name: string): Html | undefined {
    return this.#take(
      [...this.#left].filter(({ step }) => step === name),
      SHOWN_OF_ONE_PLACE,
    );
  }

  /** Those that belong to no step: to be asked for last. */
  others(): Html | undefined {
    return this.#take([...this.#left], SHOWN_PROBLEMS, true);
  }

  #take(errors: readonly ReportedError[], most: number, withPlace = false): Html | undefined {
    if (errors.length === 0) return undefined;
    for (const error of errors) this.#left.delete(error);
    const shown = errors.slice(0, Math.min(most, Math.max(0, SHOWN_OF_ALL - this.#shown)));
    this.#shown += shown.length;
    const more = errors.length - shown.length;
    return html`<ul class="errors">
      ${shown.map((error) => html`<li>${errorItem(error, withPlace)}</li>`)}
      ${more > 0 && html`<li class="more">and ${more} more, which the report has</li>`}
    </ul>`;
  }
}

function errorItem(error: ReportedError, withPlace: boolean): Html {
  const { step, name, message, code, cause, stack } = error;
  const frames = stack === undefined ? '' : framesOf(stack);
  return html`<p>
      ${withPlace && html`<span class="place">${oneLine(step)}</span> `}<b>${oneLine(name)}</b>
      ${code !== undefined && html`<code>${oneLine(code)}</code> `}<span class="message"
        >${clip(message, LONGEST_MESSAGE)}</span
      >
    </p>
    ${cause !== undefined && html`<p class="cause"><b>Cause</b> ${clip(cause, LONGEST_MESSAGE)}</p>`}
    ${
      frames !== '' &&
      html`<details>
        <summary>Stack <span class="hidden">of ${oneLine(name)}</span></summary>
        <pre tabindex="0">${clip(frames, LONGEST_STACK)}</pre>
      </details>`
    }`;
}

/** What the message has said already is not said again. */
function framesOf(stack: string): string {
  return stack
    .split('\n')
    .filter((line) => /^\s+at /u.test(line))
    .map((line) => line.trim())
    .join('\n');
}

function clip(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}… (${text.length - length} more)` : text;
}
