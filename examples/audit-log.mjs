// A log that may not lose a line, beside the ordinary one: it is closed right after the HTTP server,
// before models and devices can take the time, and synced to the disk.
//   node examples/audit-log.mjs, then Ctrl+C
import http from 'node:http';
import path from 'node:path';
import { closeLogger, createShutdown, httpServer, winstonLogger } from 'cuda-shutdown';

const folder = process.argv[2] ?? path.join(import.meta.dirname, 'output');
const logger = await winstonLogger();
const audit = await winstonLogger({ file: path.join(folder, 'audit.log') });

const server = http.createServer((request, response) => {
  audit.info('request', { url: request.url });
  response.end('noted\n');
});

createShutdown({ timeoutMs: 10_000, logger })
  .add(httpServer(server)) // After this nothing writes to the audit log any more.
  .add(closeLogger(audit, { name: 'audit', phase: 'service', reserveMs: 2000 }))
  .add(closeLogger(logger))
  .install();

server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});
