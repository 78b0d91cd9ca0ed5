/** The parent's IPC channel, and the only file that listens to it. Process lifetime, as the channel. */

import { expected } from '../common/expected.js';

/** `shutdown`: the message of that text, as PM2 sends it. `disconnect`: the channel was closed. */
export type IpcTrigger = 'shutdown' | 'disconnect';

const TRIGGERS: readonly string[] = ['shutdown', 'disconnect'] satisfies IpcTrigger[];

/** @throws TypeError or RangeError that names what is wrong with the `ipc` option. */
export function checkIpc(value: unknown): readonly IpcTrigger[] {
  if (value === undefined || value === false) return [];
  if (value === true) return ['shutdown'];
  const what = "true, or an array of 'shutdown' and 'disconnect'";
  if (!Array.isArray(value)) throw new TypeError(expected('the `ipc` option', what, value));
  for (const name of value as unknown[]) {
    if (typeof name === 'string' && TRIGGERS.includes(name)) continue;
    const message = expected('each name of the `ipc` option', "'shutdown' or 'disconnect'", name);
    throw typeof name === 'string' ? new RangeError(message) : new TypeError(message);
  }
  return value as IpcTrigger[];
}

/**
 * Calls `asked` with a reason. Where no parent has made a channel nothing is listened to. Answers
 * what stops the listening.
 */
export function listenToParent(
  triggers: readonly IpcTrigger[],
  asked: (reason: string) => void,
): () => void {
  const onMessage = (message: unknown): void => {
    if (message === 'shutdown') asked('shutdown message');
  };
  const onDisconnect = (): void => {
    asked('disconnect');
  };
  const stops = [
    ...(triggers.includes('shutdown') ? [listenToChannel('message', onMessage)] : []),
    ...(triggers.includes('disconnect') ? [listenToChannel('disconnect', onDisconnect)] : []),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

/** Calls `listener` for what the channel says, in front of the other listeners if it is `'first'`. */
export function listenToChannel(
  event: 'message' | 'disconnect',
  listener: (message: unknown) => void,
  place: 'first' | 'last' = 'last',
): () => void {
  if (process.send === undefined || process.channel === undefined) return () => undefined;
  const channel: NodeJS.EventEmitter = process;
  if (place === 'first') channel.prependListener(event, listener);
  else channel.on(event, listener);
  count('unrefCounted');
  return () => {
    count('refCounted');
    channel.off(event, listener);
  };
}

/**
 * Node counts the listeners of a channel and lets it hold the event loop while there are any. These
 * undo that for ours alone; `unref()` would let the service's own listeners hold nothing, for ever.
 */
function count(method: 'refCounted' | 'unrefCounted'): void {
  const channel = process.channel as Partial<Record<typeof method, () => void>> | null | undefined;
  channel?.[method]?.();
}
