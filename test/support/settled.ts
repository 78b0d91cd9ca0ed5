/** How promises stand, without waiting for them. */

/** `pending` when the promise has not settled after all that is due now. */
export async function standing(promise: Promise<unknown>): Promise<string> {
  const due = new Promise<string>((resolve) => {
    setImmediate(resolve, 'pending');
  });
  return Promise.race([
    promise.then(
      () => 'resolved',
      () => 'rejected',
    ),
    due,
  ]);
}

/** The error of a promise that rejects. @throws Error when it resolves. */
export async function errorOf<E = Error>(promise: Promise<unknown>): Promise<E> {
  return promise.then(
    (value) => {
      throw new Error(`Resolved with ${String(value)}`);
    },
    (error: unknown) => error as E,
  );
}
