// pino: closeLogger flushes it, and ends the thread of a transport. The same logger takes the entries
// of the shutdown. Arguments: a file; `thread` to write it by a transport.
import { closeLogger, createShutdown } from 'cuda-shutdown';
import pino from 'pino';

const [file, how] = process.argv.slice(2);
const logger =
  how === 'thread'
    ? pino(pino.transport({ target: 'pino/file', options: { destination: file } }))
    : pino(pino.destination({ dest: file, sync: false, minLength: 4096 }));

createShutdown({ timeoutMs: 10_000, logger }).add(closeLogger(logger)).install();
setInterval(() => {}, 1000);
for (let line = 0; line < 20_000; line += 1) logger.info({ line }, 'entry');
process.kill(process.pid, 'SIGTERM');
