// Koa: app.callback() is what it listens with.
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { createShutdown, httpServer } from 'cuda-shutdown';
import Koa from 'koa';

const app = new Koa();
app.use(async (context) => {
  if (context.path !== '/slow') return;
  await sleep(300);
  context.body = 'answer';
});

const server = http.createServer(app.callback());
createShutdown({ timeoutMs: 10_000 }).add(httpServer(server)).install();
server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
