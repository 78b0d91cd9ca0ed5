/** Tells systemd how the service stands, by the sd_notify protocol. Follows one shutdown. */

import type { EventSource } from '../../shutdown/events.js';

/** A request for more time holds this long, and is repeated well within it. */
const EXTEND_MS = 5000;

/** What systemd cuts a status at is not known; more than this nobody reads. */
const MAX_STATUS = 500;

export interface SystemdOptions {
  /** Hands one message over. @throws when it cannot. */
  readonly send: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly extendMs?: number;
}

/** What `systemd` answers. */
export interface Notifier {
  /** `READY=1`: the service serves. `status` stands in `systemctl status`. */
  ready(status?: string): void;
}

/**
 * `STOPPING=1` and requests for time at the beginning, the requests again and again while time is
 * left, `STATUS=` with the running steps, and `WATCHDOG=1` where the unit asks for it. A message that
 * cannot be sent is told once, as a failure of this listener.
 */
export function systemdObserver(
  shutdown: EventSource,
  { send, env, extendMs = EXTEND_MS }: SystemdOptions,
): Notifier {
  const running = new Set<string>();
  let told = false;
  let extending: NodeJS.Timeout | undefined;

  const attempt = (...lines: readonly string[]): void => {
    try {
      send(lines.join('\n'));
    } catch (cause) {
      if (told) return;
      told = true;
      throw new Error('systemd could not be notified', { cause });
    }
  };
  /** In a timer's turn there is nobody to tell; the next event's message fails as well. */
  const quietly = (...lines: readonly string[]): void => {
    try {
      send(lines.join('\n'));
    } catch {
      return;
    }
  };

  const watchdogMs = watchdogInterval(env);
  if (watchdogMs !== undefined) {
    quietly('WATCHDOG=1');
    setInterval(() => {
      quietly('WATCHDOG=1');
    }, watchdogMs / 2).unref();
  }

  shutdown.on('begin', ({ startedAt, timeoutMs }) => {
    const endsAt = performance.now() + timeoutMs - (Date.now() - startedAt.getTime());
    const extension = (): string | undefined => {
      const leftMs = Math.min(extendMs, endsAt - performance.now());
      return leftMs > 0 ? `EXTEND_TIMEOUT_USEC=${Math.ceil(leftMs * 1000)}` : undefined;
    };
    extending = setInterval(() => {
      const line = extension();
      if (line === undefined) clearInterval(extending);
      else quietly(line);
    }, extendMs / 3).unref();
    attempt(...['STOPPING=1', 'STATUS=Shutting down', extension() ?? ''].filter(Boolean));
  });
  shutdown.on('step', ({ name, status }) => {
    if (status === 'running') running.add(name);
    else running.delete(name);
    if (running.size > 0) attempt(statusLine(`Shutting down: ${[...running].join(', ')}`));
  });
  shutdown.on('end', ({ report: { outcome, exitCode } }) => {
    clearInterval(extending);
    attempt(statusLine(`Shut down: ${outcome}, exit code ${exitCode}`));
  });
  return {
    ready: (status) => {
      send(status === undefined ? 'READY=1' : `READY=1\n${statusLine(status)}`);
    },
  };
}

/** Milliseconds within which systemd wants a sign of life, where it wants one from this process. */
function watchdogInterval(env: SystemdOptions['env']): number | undefined {
  const usec = Number(env.WATCHDOG_USEC ?? '');
  const pid = env.WATCHDOG_PID ?? '';
  const ours = pid === '' || Number(pid) === process.pid;
  return ours && Number.isSafeInteger(usec) && usec > 0 ? usec / 1000 : undefined;
}

/** A line break in it would begin an assignment of its own. */
function statusLine(text: string): string {
  return `STATUS=${text.replaceAll(/[\u0000-\u001f\u007f]+/gu, ' ').slice(0, MAX_STATUS)}`;
}
