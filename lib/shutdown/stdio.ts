/**
 * stdout and stderr while the process ends: their reader may be slow, or gone. State: what they failed
 * with, for the life of the process, as the streams themselves.
 */

/** The code of its last error, by the name of the stream. Node's streams forget theirs. */
const failures = new Map<string, string>();

/**
 * Keeps an error of stdout or stderr, as EPIPE from a reader that is gone, from ending the process, and a
 * terminal that takes nothing, as after Ctrl+S, from holding it. Answers what takes the guard away.
 */
export function guardStdio(): () => void {
  const guards = streams().map((stream) => {
    const name = stream === process.stdout ? 'stdout' : 'stderr';
    const note = (error: NodeJS.ErrnoException): void => {
      failures.set(name, error.code ?? error.message);
    };
    stream.on('error', note);
    setBlocking(stream, false);
    return () => {
      stream.off('error', note);
      setBlocking(stream, true);
    };
  });
  return () => {
    for (const release of guards) release();
  };
}

/** Node writes to a terminal, and to nothing else here, by calls that wait until it takes the text. */
function setBlocking(stream: NodeJS.WriteStream, blocking: boolean): void {
  if (!stream.isTTY) return;
  const { _handle: handle } = stream as { _handle?: { setBlocking?: (blocking: boolean) => void } };
  handle?.setBlocking?.(blocking);
}

/**
 * Resolves with true when both have handed everything to the system (or have nobody to hand it to),
 * with false after `timeoutMs`. Never rejects.
 */
export async function flushStdio(timeoutMs: number): Promise<boolean> {
  const waiting = streams().filter((stream) => stream.writableLength > 0);
  if (waiting.length === 0) return true;
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, false);
  });
  const flushed = await Promise.race([over, Promise.all(waiting.map(written))]);
  clearTimeout(timer);
  return flushed !== false;
}

/** Those of stdout and stderr that could not be written to under the guard, as EPIPE says. */
export function failedStdio(): readonly { readonly name: string; readonly code: string }[] {
  return [...failures].map(([name, code]) => ({ name, code }));
}

/** The callback of an empty write comes behind all that was written before it, or with its error. */
function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableEnded) resolve();
    else
      stream.write('', () => {
        resolve();
      });
  });
}

function streams(): NodeJS.WriteStream[] {
  const found: NodeJS.WriteStream[] = [];
  for (const name of ['stdout', 'stderr'] as const) {
    try {
      found.push(process[name]);
    } catch {
      // A descriptor of a kind that Node cannot make a stream of.
    }
  }
  return found;
}
