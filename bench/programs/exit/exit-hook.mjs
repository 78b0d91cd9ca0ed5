// Ends with 143, as it does after a signal.
import { asyncExitHook } from 'exit-hook';

asyncExitHook(async () => {}, { wait: 30_000 });
setInterval(() => {}, 2 ** 30);
setTimeout(() => process.stdout.write('ready\n'), 20);
