/** Writes the journal of a shutdown, line by line while it runs: what is left when it is cut off. */

import { join, resolve } from 'node:path';
import { plain, toJson } from '../../common/json.js';
import { describeError } from '../../shutdown/describe-error.js';
import type { HeldMemory } from '../../common/device-memory.js';
import type { EventSource, ProgressEvent } from '../../shutdown/events.js';
import { journalName, removeOld, stemOf } from '../evidence-files.js';
import { JournalFile } from './journal-file.js';
import type { JournalLine } from './lines.js';

/** A step may tell its progress thousands of times; the journal has it this often. */
const PROGRESS_MS = 100;

export interface JournalOptions {
  readonly folder: string;
  /** Told the descriptor, so that the watchdog can add the last line. */
  readonly opened: (fd: number) => void;
}

/**
 * A journal that cannot be written is told once, as a failure of this listener, and costs nothing
 * else. Lines that could not be written are missing in it.
 */
export function journal(shutdown: EventSource, { folder, opened }: JournalOptions): void {
  // The service may change its working directory later.
  const path = resolve(folder);
  let file: JournalFile | undefined;
  let beganAt = 0;
  let told = false;
  const latest = new Map<string, ProgressEvent>();
  let timer: NodeJS.Timeout | undefined;

  const failure = (cause: unknown): Error | undefined => {
    if (told) return undefined;
    told = true;
    return new Error(`The journal could not be written to \`${path}\``, { cause });
  };
  const attempt = (write: () => void): void => {
    try {
      write();
    } catch (error) {
      const failed = failure(error);
      if (failed !== undefined) throw failed;
    }
  };
  const attemptAsync = async (write: () => void): Promise<void> => {
    attempt(write);
    await Promise.resolve();
  };
  const moment = (
    held?: readonly HeldMemory[],
  ): { atMs: number; held?: readonly HeldMemory[] } => ({
    atMs: Math.round(performance.now() - beganAt),
    ...(held === undefined ? {} : { held }),
  });
  const append = (line: JournalLine): void => {
    file?.append(toJson(line) ?? '');
  };
  const sync = (): Promise<void> | undefined =>
    file?.sync().catch((error: unknown) => {
      const failed = failure(error);
      if (failed !== undefined) throw failed;
    });
  const writeProgress = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const events = [...latest.values()];
    latest.clear();
    for (const { held, name, done, total, text } of events) {
      append({
        event: 'progress',
        ...moment(held),
        name,
        done,
        ...(total === undefined ? {} : { total }),
        ...(text === undefined ? {} : { text }),
      });
    }
  };

  shutdown.on('begin', ({ reason, startedAt, timeoutMs, delayMs, backend, steps, held }) => {
    beganAt = performance.now() - (Date.now() - startedAt.getTime());
    const stem = stemOf(startedAt.toISOString(), process.pid);
    attempt(() => {
      file = new JournalFile(join(path, journalName(stem)));
    });
    // First, because it may make the room that the lines need.
    const removed = removeOld(path, stem);
    const written = attemptAsync(() => {
      const facts = { reason, startedAt: startedAt.toISOString(), timeoutMs, backend, steps };
      const delay = delayMs === 0 ? {} : { delayMs };
      const about = { ...facts, ...delay, ...(held === undefined ? {} : { held }) };
      append({ event: 'begin', version: 1, pid: process.pid, ...about });
      if (file !== undefined) opened(file.fd);
    });
    return Promise.all([removed, written, sync()]);
  });
  shutdown.on('step', ({ error, details, held, ...event }) => {
    attempt(() => {
      writeProgress();
      append({
        event: 'step',
        ...moment(held),
        ...event,
        ...(error === undefined ? {} : { error: describeError(error) }),
        ...(details === undefined ? {} : { details: plain(details) }),
      });
    });
    return sync();
  });
  shutdown.on('progress', (event) => {
    const first = timer === undefined;
    latest.set(event.name, event);
    if (!first) return;
    attempt(writeProgress);
    timer = setTimeout(() => {
      timer = undefined;
      // In a timer's turn there is nobody to tell; the next event's line will fail, and be told.
      try {
        writeProgress();
      } catch {
        return;
      }
    }, PROGRESS_MS).unref();
  });
  shutdown.on('memory', ({ when, devices }) => {
    attempt(() => {
      append({ event: 'memory', ...moment(), when, devices });
    });
  });
  shutdown.on('problem', ({ where, error }) => {
    attempt(() => {
      append({ event: 'problem', ...moment(), where, error: describeError(error) });
    });
  });
  shutdown.on('end', ({ report: { outcome, exitCode } }) => {
    attempt(() => {
      writeProgress();
      append({ event: 'end', ...moment(), outcome, exitCode });
    });
    if (outcome !== 'forced') {
      return file?.close().catch((error: unknown) => {
        const failed = failure(error);
        if (failed !== undefined) throw failed;
      });
    }
    file?.closeNow();
    return undefined;
  });
}
