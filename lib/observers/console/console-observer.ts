/** Shows the shutdown on stderr: spinners on a terminal, plain lines elsewhere. */

import { styleText } from 'node:util';
import type { EventSource } from '../../shutdown/events.js';
import { hasEnded, type Logger } from '../../shutdown/logger.js';
import { oneLine, truncate, wrap } from './text.js';
import {
  beginLines,
  problemLines,
  stepLines,
  summaryLines,
  SYMBOLS,
  UNCAUGHT,
  type Line,
  type Mark,
} from './lines.js';
import { canSpin, Spinner, type Terminal } from './spinner.js';

/** See the `console` option of `createShutdown`. */
export type ConsoleMode = 'auto' | boolean;

const COLOURS = { ok: 'green', bad: 'red', warn: 'yellow' } as const;

export interface ConsoleOptions {
  readonly mode: ConsoleMode;
  /** The service's own: with one, `'auto'` says nothing without a terminal. */
  readonly logger: Logger | undefined;
  /** Default `process.stderr`. */
  readonly terminal?: Terminal;
}

/** Undefined where nothing is to be shown. `prepare()` loads what a terminal needs. */
export function consoleObserver(
  shutdown: EventSource,
  { mode, logger, terminal = process.stderr }: ConsoleOptions,
): { prepare(): void } | undefined {
  if (mode === false) {
    shutdown.on('problem', (event) => {
      // Nothing else may be said, but an error that nobody caught must be said somewhere.
      if (event.where !== UNCAUGHT || (logger !== undefined && !hasEnded(logger))) return;
      write(terminal, ...problemLines(event));
    });
    return undefined;
  }
  if (mode === 'auto' && !terminal.isTTY && logger !== undefined) {
    // What goes wrong after the logger's end, as the writing of the report, would be told nowhere.
    shutdown.on('problem', (event) => {
      if (!hasEnded(logger)) return;
      write(terminal, ...problemLines(event));
    });
    return undefined;
  }
  const spinner = new Spinner(terminal);
  /** What each running step says of itself. */
  const notes = new Map<string, string>();
  /** The lines of steps that end together are one write. */
  let unwritten: Line[] = [];
  const flush = (): void => {
    if (unwritten.length === 0) return;
    const lines = unwritten;
    unwritten = [];
    spinner.aside(() => {
      write(terminal, ...lines);
    });
  };
  const print = (lines: readonly Line[]): void => {
    unwritten.push(...lines);
    flush();
  };
  const printSoon = (lines: readonly Line[]): void => {
    // Not at the end of the turn: until then a step may block JavaScript.
    if (unwritten.length === 0) queueMicrotask(flush);
    unwritten.push(...lines);
  };
  const spin = (): void => {
    if (!canSpin(terminal)) return;
    // Room for the spinner itself.
    const columns = terminal.columns - 3;
    let running = '';
    for (const [name, note] of notes) {
      if (running.length > columns) break;
      const separator = running === '' ? '' : ', ';
      running += separator + oneLine(note === '' ? name : `${name} ${note}`);
    }
    spinner.show(truncate(running, columns));
  };

  shutdown.on('begin', (event) => {
    print(beginLines(event));
  });
  shutdown.on('step', (event) => {
    const note = notes.get(event.name);
    if (event.status === 'running') {
      // The step may block JavaScript: what is known before it must stand there.
      flush();
      notes.set(event.name, '');
    } else {
      notes.delete(event.name);
      printSoon(stepLines(event, note));
    }
    spin();
  });
  shutdown.on('progress', ({ name, done, total, text }) => {
    notes.set(name, text ?? (total === undefined ? `${done}` : `${done}/${total}`));
    spin();
  });
  shutdown.on('problem', (event) => {
    print(problemLines(event));
  });
  shutdown.on('end', ({ report }) => {
    spinner.stop();
    print(summaryLines(report));
  });
  return {
    prepare: () => {
      if (canSpin(terminal)) spinner.prepare();
    },
  };
}

function write(terminal: Terminal, ...lines: readonly Line[]): void {
  const onTerminal = terminal.isTTY && terminal.columns > 0;
  const shown = lines.map(({ mark, text }) => {
    // Room for the symbol.
    const wrapped = onTerminal ? wrap(text, terminal.columns - 2).join('\n') : text;
    return mark === 'none' ? `${wrapped}\n` : `${symbol(mark, terminal)} ${wrapped}\n`;
  });
  try {
    terminal.write(shown.join(''));
  } catch {
    // Its reader is gone; the shutdown goes on.
  }
}

function symbol(mark: Exclude<Mark, 'none'>, terminal: Terminal): string {
  const colour = terminal.isTTY && (process.env.NO_COLOR ?? '') === '';
  return colour ? styleText(COLOURS[mark], SYMBOLS[mark]) : SYMBOLS[mark];
}
