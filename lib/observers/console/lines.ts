/** What the console says while a shutdown goes on, as lines: pure. */

import { formatDuration } from '../../common/format.js';
import { describeError, flattenError } from '../../shutdown/describe-error.js';
import type { BeginEvent, ProblemEvent, StepEvent } from '../../shutdown/events.js';
import { line, type Line } from './look.js';
import { errorText, markOf, stepLine, type Layout } from './step-line.js';
import { oneLine } from './text.js';

export { SYMBOLS, type Line, type Mark } from './look.js';
export { renderReport, summaryLines } from './summary.js';

export function beginLines(event: BeginEvent): readonly Line[] {
  const { reason, timeoutMs, delayMs, backend } = event;
  const work = delayMs > 0 ? `at work for ${formatDuration(delayMs)} more, ` : '';
  const limit = { text: `(${work}at most ${formatDuration(timeoutMs)})`, tone: 'dim' } as const;
  const lines = [line('none', [`Shutting down: ${oneLine(reason)} `, limit])];
  if (backend === 'simulated') {
    lines.push(line('warn', ['The CUDA backend is SIMULATED: no GPU memory is held or freed']));
  }
  return lines;
}

/** `note` is the last that the step has said of its progress. */
export function stepLines(
  event: StepEvent,
  note: string | undefined,
  layout: Layout,
): readonly Line[] {
  const mark = markOf(event.status, event.optional);
  const lines = [stepLine(event, mark, note, layout)];
  if (event.error !== undefined) {
    for (const error of flattenError(event.error)) {
      lines.push(line('none', [`    ${errorText(describeError(error))}`]));
    }
  }
  return lines;
}

/** Where a problem comes from that nobody expects: it needs its stack. */
export const UNCAUGHT = '(uncaught)';

export function problemLines({ where, error }: ProblemEvent): readonly Line[] {
  const described = describeError(error);
  const frames = where === UNCAUGHT ? framesOf(described.stack) : [];
  return [
    line('bad', [`${oneLine(where)}: ${errorText(described)}`]),
    ...frames.map((frame) => line('none', [{ text: `  ${oneLine(frame)}`, tone: 'dim' }])),
  ];
}

function framesOf(stack = ''): readonly string[] {
  return stack.split('\n').filter((one) => /^ {4}at /u.test(one));
}
