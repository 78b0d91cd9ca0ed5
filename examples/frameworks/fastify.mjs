// Fastify: its server is drained first; app.close() then runs its preClose and onClose hooks. The
// other way round it would answer with 503 what comes on open connections.
import { setTimeout as sleep } from 'node:timers/promises';
import { closeable, createShutdown, httpServer } from 'cuda-shutdown';
import fastify from 'fastify';

const app = fastify();
app.addHook('onClose', async () => console.log('hook onClose'));
app.addHook('preClose', async () => console.log('hook preClose'));
app.get('/slow', async () => {
  await sleep(300);
  return 'answer';
});

createShutdown({ timeoutMs: 10_000 })
  .add(httpServer(app.server))
  .add(closeable('fastify', () => app.close()))
  .install();
await app.listen({ port: 0, host: '127.0.0.1' });
console.log(`port ${app.server.address().port}`);
