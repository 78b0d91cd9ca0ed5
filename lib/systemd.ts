/** Makes the systemd observer, with the native part's datagrams. */

import { loadAddon } from './native/load.js';
import { systemdObserver, type Notifier } from './observers/systemd/systemd-observer.js';
import type { EventSource } from './shutdown/events.js';

/**
 * Follows the shutdown for systemd; call `ready()` when the service serves (`Type=notify`). Without
 * `NOTIFY_SOCKET`, that is not under systemd, nothing is sent.
 * @throws what the addon's loader throws, when it is needed and cannot load. `ready()` throws when
 * its message cannot be sent.
 */
export function systemd(shutdown: EventSource): Notifier {
  const { NOTIFY_SOCKET: address = '' } = process.env;
  if (address === '') return { ready: () => undefined };
  const addon = loadAddon();
  return systemdObserver(shutdown, {
    send: (text) => {
      addon.notifySocket(address, text);
    },
    env: process.env,
  });
}
