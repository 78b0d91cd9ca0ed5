/** What of node:cluster is used, by its shape. */

export interface ClusterWorkerProcess {
  readonly pid?: number | undefined;
  kill(signal: NodeJS.Signals): boolean;
  once(
    event: 'exit',
    listener: (code: number | null, signal: NodeJS.Signals | null) => void,
  ): unknown;
  removeAllListeners(event: 'exit'): unknown;
}

export interface ClusterWorker {
  readonly id: number;
  readonly process: ClusterWorkerProcess;
  exitedAfterDisconnect: boolean;
  isDead(): boolean;
  isConnected(): boolean;
  send(message: object, callback: (error: Error | null) => void): boolean;
  removeAllListeners(event: 'exit'): unknown;
}

/** The module node:cluster in a primary. */
export interface ClusterPrimary {
  readonly isPrimary: boolean;
  readonly workers?: Readonly<Partial<Record<string, ClusterWorker>>> | undefined;
  /** Watched, so that a worker that is forked while the step runs is killed at its birth. */
  fork(env?: object): ClusterWorker;
  /** For the workers that are forked later. */
  on(event: 'fork', listener: (worker: ClusterWorker) => void): unknown;
  /** For the workers' answers. */
  on(event: 'message', listener: (worker: ClusterWorker, message: unknown) => void): unknown;
}
