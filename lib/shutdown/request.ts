/** What a process asks of the shutdowns of its workers, be they processes or threads: pure. */

export interface ShutdownRequest {
  /** The reason of the shutdown that asks. */
  readonly reason: string;
  /** When it has to have ended, in the time of `sharedNow()`. */
  readonly until: number;
}

/** How long before its own deadline a step wants to know what became of those that it asked. */
const MARGIN_MS = 100;

/** Milliseconds of a clock that all threads and processes of a machine have in common. */
export function sharedNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** The request of a step that has `remainingMs` left. */
export function makeRequest(reason: string, remainingMs: number): ShutdownRequest {
  return { reason, until: sharedNow() + remainingMs - Math.min(MARGIN_MS, remainingMs / 4) };
}

/** Undefined for anything else: a channel carries messages of others, too. */
export function asRequest(value: unknown): ShutdownRequest | undefined {
  const { reason, until } = Object(value) as Partial<Record<keyof ShutdownRequest, unknown>>;
  if (typeof reason !== 'string' || reason === '' || typeof until !== 'number') return undefined;
  return { reason, until };
}
