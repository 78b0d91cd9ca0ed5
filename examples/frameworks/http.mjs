// node:http alone; with node:https and node:http2 it is the same.
import http from 'node:http';
import { createShutdown, httpServer } from 'cuda-shutdown';

const server = http.createServer((request, response) => {
  if (request.url === '/slow') setTimeout(() => response.end('answer'), 300);
  else response.writeHead(404).end();
});

createShutdown({ timeoutMs: 10_000 }).add(httpServer(server)).install();
server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
