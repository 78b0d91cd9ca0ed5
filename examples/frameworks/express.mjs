// Express: the server that listen() makes would be late, so it is made here.
import http from 'node:http';
import { createShutdown, httpServer } from 'cuda-shutdown';
import express from 'express';

const app = express();
app.get('/slow', (request, response) => {
  setTimeout(() => response.send('answer'), 300);
});

const server = http.createServer(app);
createShutdown({ timeoutMs: 10_000 }).add(httpServer(server)).install();
server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
