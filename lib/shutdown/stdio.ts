/** stdout and stderr while the process ends: their reader may be slow, or gone. */

/**
 * Keeps an error of stdout or stderr, as EPIPE from a reader that is gone, from ending the process.
 * Answers what takes the guard away.
 */
export function guardStdio(): () => void {
  const ignore = (): void => undefined;
  const guarded = streams();
  for (const stream of guarded) stream.on('error', ignore);
  return () => {
    for (const stream of guarded) stream.off('error', ignore);
  };
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
