/** What install() takes, uninstall() gives back. */

import { expect, test } from '@jest/globals';
import { Child } from '../support/child.js';

test.each([
  ['once', 'changed true\nsame true\n'],
  ['twice', 'changed true\nsame true\nchanged true\nclean\nsame true\n'],
])('every listener is given back, and the default action of signals: %s', async (way, said) => {
  for (const signal of ['SIGTERM', 'SIGUSR2'] as const) {
    const child = new Child('gives-back.mjs', { args: [way], ipc: true });
    await child.saw('ready');
    child.signal(signal);
    expect(await child.end).toMatchObject({ code: null, signal, stdout: `${said}ready\n` });
  }
});
