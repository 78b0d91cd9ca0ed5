/** A fixture in a process of its own: the ends of processes and signals are real only there. */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** From the first signal that was sent, else from the start. */
  readonly durationMs: number;
}

export interface ChildOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly execArgv?: readonly string[];
  /** Default: nothing. */
  readonly stdin?: 'pipe';
  /** With a channel, as a parent that forks makes one. */
  readonly ipc?: boolean;
  /** In front of the command, as a terminal to run it on. */
  readonly under?: (command: readonly string[]) => readonly string[];
}

/** A child that hangs is killed then, and the test sees SIGKILL. */
const LIMIT_MS = 60_000;

/** Of a file in test/fixtures. */
export function fixturePath(name: string): string {
  return fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
}

export class Child {
  readonly process: ChildProcess;
  readonly end: Promise<ChildEnd>;
  #stdout = '';
  #stderr = '';
  #countedFrom = performance.now();
  #signalled = false;

  /** `fixture` is the name of a file in test/fixtures. */
  constructor(fixture: string, options: ChildOptions = {}) {
    const path = fixturePath(fixture);
    // Another Node to run the children with than Jest has.
    const node = process.env.CUDA_SHUTDOWN_TEST_NODE ?? process.execPath;
    const run = [node, ...(options.execArgv ?? []), path, ...(options.args ?? [])];
    const [command = '', ...args] = options.under?.(run) ?? run;
    const env: NodeJS.ProcessEnv = { ...process.env };
    // Jest's own would change how the child ends.
    delete env.NODE_OPTIONS;
    delete env.NODE_V8_COVERAGE;
    Object.assign(env, options.env);
    this.process = spawn(command, args, {
      env,
      stdio: [
        options.stdin ?? 'ignore',
        'pipe',
        'pipe',
        ...(options.ipc === true ? (['ipc'] as const) : []),
      ],
    });
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text));
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.end = this.#ended();
  }

  /** All of it so far. */
  get stdout(): string {
    return this.#stdout;
  }

  /** Resolves when stdout or stderr has held `text`; rejects when the child ends without. */
  async saw(text: string): Promise<void> {
    const holds = (): boolean => this.#stdout.includes(text) || this.#stderr.includes(text);
    while (!holds()) {
      const stopped = new AbortController();
      const { signal } = stopped;
      const [stdout, stderr] = [
        this.process.stdout,
        this.process.stderr,
      ] as NodeJS.ReadableStream[];
      const ended = await Promise.race([
        ...[stdout, stderr].map((stream) => once(stream as never, 'data', { signal })),
        this.end,
      ]).finally(() => {
        stopped.abort();
      });
      if ('code' in ended && !holds()) {
        throw new Error(`The child ended without \`${text}\`: ${JSON.stringify(ended)}`);
      }
    }
  }

  /** Resolves in a later turn; rejects once the child has ended: for loops that wait for its doing. */
  async alive(): Promise<void> {
    await new Promise(setImmediate);
    const { exitCode, signalCode } = this.process;
    if (exitCode !== null || signalCode !== null) throw new Error('The child has ended');
  }

  signal(name: NodeJS.Signals): void {
    if (!this.#signalled) this.#countedFrom = performance.now();
    this.#signalled = true;
    this.process.kill(name);
  }

  async #ended(): Promise<ChildEnd> {
    const limit = setTimeout(() => this.process.kill('SIGKILL'), LIMIT_MS);
    // Not `close`: that never comes where the parent has closed the channel.
    const [[code, signal]] = (await Promise.all([
      once(this.process, 'exit'),
      ...[this.process.stdout, this.process.stderr].map((stream) => once(stream as never, 'close')),
    ])) as [[number | null, NodeJS.Signals | null], ...unknown[]];
    clearTimeout(limit);
    return {
      code,
      signal,
      stdout: this.#stdout,
      stderr: this.#stderr,
      durationMs: performance.now() - this.#countedFrom,
    };
  }
}

/** Runs a fixture that ends by itself. */
export function runChild(fixture: string, options?: ChildOptions): Promise<ChildEnd> {
  return new Child(fixture, options).end;
}
