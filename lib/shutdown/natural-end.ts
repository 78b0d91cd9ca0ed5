/** The end of a process whose event loop has nothing left to do, and the only file that listens to it. */

/** Calls `ended` whenever the event loop is empty. Answers what stops the listening. */
export function listenToNaturalEnd(ended: () => void): () => void {
  process.on('beforeExit', ended);
  return () => {
    process.off('beforeExit', ended);
  };
}

/**
 * The code that Node ends with when a top-level await has never settled. It tells by an `exit`
 * listener of its own, which stands until the main module has been evaluated; from Node 22 on it tells
 * nobody, and the answer is undefined.
 */
export function unsettledMainCode(): number | undefined {
  const waiting = process.listeners('exit').some(({ name }) => name === 'handleProcessExit');
  return waiting ? 13 : undefined;
}

/** Keeps the event loop from being empty. Answers what lets go of it. */
export function holdLoop(): () => void {
  const timer = setInterval(() => undefined, 2 ** 30);
  return () => {
    clearInterval(timer);
  };
}
