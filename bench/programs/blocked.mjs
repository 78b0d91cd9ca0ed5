// Blocks its event loop for ever, with a shutdown installed. Argument: the time limit in ms.
import { writeSync } from 'node:fs';
import { createShutdown } from '../../dist/index.js';

createShutdown({ timeoutMs: Number(process.argv[2]), console: false }).install();
// The rehearsal that install() puts into a free turn of the loop is over then.
setTimeout(() => {
  writeSync(1, 'ready\n');
  for (;;);
}, 50);
