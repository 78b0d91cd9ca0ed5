/** How a cluster worker ended: pure. */

export interface WorkerEnd {
  /** Its id in the cluster. */
  readonly id: number;
  readonly pid?: number;
  /** Null where a signal ended it, or it has not ended. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Milliseconds from the beginning of the step; undefined where it has not ended. */
  readonly durationMs?: number;
  /** Whether its own shutdown ran. */
  readonly begun: boolean;
  /** What was sent to it. */
  readonly sent: readonly NodeJS.Signals[];
  /** Why it fails the step. */
  readonly failure?: string;
}

/** `young`: it was forked while the shutdown ran, and may not have got as far as to install its own. */
export function judged(end: Omit<WorkerEnd, 'failure'>, young: boolean): WorkerEnd {
  const { id, pid, code, signal, begun, sent, durationMs } = end;
  const worker = `worker ${id} (pid ${pid ?? 'unknown'})`;
  const failed = (how: string): WorkerEnd => ({ ...end, failure: `${worker} ${how}` });
  if (durationMs === undefined) return failed('had not ended in time, and was killed (SIGKILL)');
  if (code !== null) return code === 0 ? end : failed(`ended with code ${code}`);
  if (young && !begun) return end;
  if (signal === 'SIGTERM' && sent.includes(signal) && !begun) {
    return failed('has no shutdown of its own: SIGTERM ended it');
  }
  return failed(`was ended by ${signal ?? 'nobody knows what'}`);
}
