// Arguments: how many steps; `quiet` for no lines on stderr.
import { createShutdown } from '../../../dist/index.js';

const [count, quiet] = process.argv.slice(2);
const shutdown = createShutdown({ console: quiet === 'quiet' ? false : 'auto' });
for (let step = 0; step < Number(count); step += 1) shutdown.add(`step-${step}`, async () => {});
shutdown.install();
setInterval(() => {}, 2 ** 30);
setTimeout(() => process.stdout.write('ready\n'), 20);
