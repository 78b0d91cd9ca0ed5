// An HTTP server on a free port, which it says when it is ready.
import http from 'node:http';

export function startServer() {
  const server = http.createServer((request, response) => response.end('ok'));
  server.listen(0, '127.0.0.1', () => {
    setTimeout(() => process.stdout.write(`${server.address().port}\n`), 20);
  });
  return server;
}
