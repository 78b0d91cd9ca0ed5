/** Shows the shutdown on stderr: spinners on a terminal, plain lines elsewhere. */

import { join, relative } from 'node:path';
import type { EventSource } from '../../shutdown/events.js';
import { hasEnded, type Logger } from '../../shutdown/logger.js';
import type { ShutdownReport } from '../../shutdown/report.js';
import { reportName, stemOf } from '../evidence-files.js';
import { Course } from './course.js';
import { beginLines, problemLines, stepLines, summaryLines, UNCAUGHT } from './lines.js';
import { liveRows } from './live.js';
import { lookOf, render, type Line } from './look.js';
import { rehearseLinesSoon } from './rehearsal.js';
import { canSpin, Spinner, type Terminal } from './spinner.js';
import { layoutOf, type Layout } from './step-line.js';

/** See the `console` option of `createShutdown`. */
export type ConsoleMode = 'auto' | boolean;

export interface ConsoleOptions {
  readonly mode: ConsoleMode;
  /** The service's own: with one, `'auto'` says nothing without a terminal. */
  readonly logger: Logger | undefined;
  /** Where the report will lie; undefined where none is written. */
  readonly reportFolder?: string | undefined;
  /** Default `process.stderr`. */
  readonly terminal?: Terminal;
}

/** What turns takes at most so many rows, and leaves some of a low terminal to the lines above. */
const MAX_ROWS = 12;
const ROWS_ABOVE = 4;
/** Where a terminal does not say how high it is. */
const ROWS = 24;

/** Undefined where nothing is to be shown. `prepare()` loads what a terminal needs. */
export function consoleObserver(
  shutdown: EventSource,
  { mode, logger, reportFolder, terminal = process.stderr }: ConsoleOptions,
): { prepare(): void } | undefined {
  if (mode === false) {
    shutdown.on('problem', (event) => {
      // Nothing else may be said, but an error that nobody caught must be said somewhere.
      if (event.where !== UNCAUGHT || (logger !== undefined && !hasEnded(logger))) return;
      write(terminal, problemLines(event));
    });
    return undefined;
  }
  if (mode === 'auto' && !terminal.isTTY && logger !== undefined) {
    // What goes wrong after the logger's end, as the writing of the report, would be told nowhere.
    shutdown.on('problem', (event) => {
      if (!hasEnded(logger)) return;
      write(terminal, problemLines(event));
    });
    return undefined;
  }
  const course = new Course();
  let names: readonly string[] = [];
  let optional: ReadonlySet<string> = new Set();
  const layout = layoutFor(terminal, () => names);
  const spinner = new Spinner(terminal, () =>
    liveRows({
      course,
      layout: layout(),
      look: lookOf(terminal, process.env),
      rows: Math.max(1, Math.min(MAX_ROWS, (terminal.rows || ROWS) - ROWS_ABOVE)),
      now: performance.now(),
    }),
  );
  /** The lines of steps that end together are one write. */
  let unwritten: Line[] = [];
  const flush = (): void => {
    if (unwritten.length === 0) return;
    const lines = unwritten;
    unwritten = [];
    spinner.aside(() => {
      write(terminal, lines);
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

  shutdown.on('begin', (event) => {
    names = event.steps.map(({ name }) => name);
    optional = new Set(event.steps.filter((step) => step.optional).map(({ name }) => name));
    course.begin(event);
    print(beginLines(event));
    spinner.start();
  });
  shutdown.on('step', (event) => {
    const note = course.noteOf(event.name);
    course.step(event);
    if (event.status === 'running') {
      // The step may block JavaScript: what is known before it must stand there.
      flush();
      spinner.start();
    } else {
      printSoon(stepLines(event, note, layout()));
    }
  });
  shutdown.on('progress', (event) => {
    course.progress(event);
  });
  shutdown.on('problem', (event) => {
    print(problemLines(event));
  });
  shutdown.on('end', ({ report }) => {
    course.end();
    spinner.stop();
    const { isTTY, columns } = terminal;
    const path = reportFolder === undefined ? undefined : pathOf(report, reportFolder);
    const lines = summaryLines(report, { columns: isTTY ? columns : 0, optional, path });
    // A line of a log costs, an empty one too.
    print(isTTY ? [{ mark: 'none', text: '' }, ...lines] : lines);
  });
  return {
    prepare: () => {
      rehearseLinesSoon(lookOf(terminal, process.env));
      if (canSpin(terminal)) spinner.prepare();
    },
  };
}

/** Made anew only where the terminal's width has changed: there may be many names. */
function layoutFor(terminal: Terminal, names: () => readonly string[]): () => Layout {
  let known: { columns: number; names: readonly string[]; layout: Layout } | undefined;
  return () => {
    const now = { columns: terminal.isTTY ? terminal.columns : 0, names: names() };
    if (known?.columns !== now.columns || known.names !== now.names)
      known = { ...now, layout: layoutOf(now.names, now.columns) };
    return known.layout;
  };
}

/** As short as it can be copied from here. */
function pathOf({ startedAt }: ShutdownReport, folder: string): string {
  const path = join(folder, reportName(stemOf(startedAt, process.pid)));
  const from = relative('', path);
  return from.startsWith('..') ? path : from;
}

function write(terminal: Terminal, lines: readonly Line[]): void {
  const rows = render(lines, lookOf(terminal, process.env));
  try {
    terminal.write(rows.map((row) => `${row}\n`).join(''));
  } catch {
    // Its reader is gone; the shutdown goes on.
  }
}
