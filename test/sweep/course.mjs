// What the scenario goes through, and the runtime's functions that the sweep counts in it.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const STAGES = { open: 'open', load: 'load', serve: 'serve', end: 'end' };

const list = fileURLToPath(new URL('../../native/simulator/functions.h', import.meta.url));

/** All that the simulated runtime has, from the list that it is built of. */
export const CALLS = [
  ...[...readFileSync(list, 'utf8').matchAll(/^ {2}X\((\w+)\)/gm)].map(([, name]) => `cuda${name}`),
  'cuDevicePrimaryCtxGetState',
];
