import { afterEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { Agent, createServer, get, type IncomingMessage, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { ShutdownReport } from '../../lib/shutdown/report.js';
import { httpServer, type HttpServerOptions } from '../../lib/steps/http-server.js';
import { Child } from '../support/child.js';
import { deferred, fakeShutdown } from '../support/shutdown.js';

const servers: Server[] = [];
const agents: Agent[] = [];
const sockets: Socket[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
  for (const agent of agents.splice(0)) agent.destroy();
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** A server on which every request but `/fast` waits for `answer()`. */
async function service(options?: HttpServerOptions): Promise<{
  server: Server;
  port: number;
  answer: () => void;
  requests: (count: number) => Promise<void>;
  stop: (timeoutMs?: number) => Promise<ShutdownReport>;
}> {
  const { promise: answered, resolve: answer } = deferred();
  const server = createServer((request, response) => {
    if (request.url === '/fast') response.end('fast');
    else void answered.then(() => response.end('slow'));
  });
  servers.push(server);
  let arrived = 0;
  const step = httpServer(server, options);
  server.on('request', () => (arrived += 1));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    server,
    port: (server.address() as AddressInfo).port,
    answer: () => {
      answer();
    },
    requests: async (count) => {
      while (arrived < count) await once(server, 'request');
    },
    stop: (timeoutMs = 5000) => fakeShutdown({ timeoutMs }).add(step).start(),
  };
}

function request(port: number, path: string, agent = new Agent()): Promise<IncomingMessage> {
  agents.push(agent);
  return new Promise((resolve, reject) => {
    get({ port, path, agent, host: '127.0.0.1' }, (response) => {
      response.resume();
      resolve(response);
    }).on('error', reject);
  });
}

describe('an HTTP server', () => {
  test('answers the requests that it has accepted, and closes their connections', async () => {
    const { port, requests, stop, answer } = await service();
    const answers = [request(port, '/1'), request(port, '/2', new Agent({ keepAlive: true }))];
    await requests(2);
    const stopped = stop();
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    answer();
    for (const response of await Promise.all(answers)) {
      expect(response).toMatchObject({ statusCode: 200, headers: { connection: 'close' } });
    }
    const report = await stopped;
    expect(report.steps).toMatchObject([
      { name: 'http', status: 'ok', details: { inFlight: 2, drained: 2, destroyed: 0 } },
    ]);
  });

  test('takes no new connections while it drains', async () => {
    const { port, server, requests, stop, answer } = await service();
    const slow = request(port, '/slow');
    await requests(1);
    const stopped = stop();
    while (server.listening) await new Promise(setImmediate);
    await expect(request(port, '/new')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    answer();
    await slow;
    await stopped;
  });

  test('answers a second request on a connection, and then closes that', async () => {
    const { port, server, requests, stop, answer } = await service();
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    const closed = once(socket, 'close');
    let text = '';
    socket.on('data', (data: Buffer) => (text += data.toString()));
    socket.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n');
    await requests(1);
    const stopped = stop();
    while (server.listening) await new Promise(setImmediate);
    // Pipelined behind the first: its answer is the last.
    socket.write('GET /fast HTTP/1.1\r\nHost: a\r\n\r\n');
    await requests(2);
    answer();
    await closed;
    expect(text.match(/HTTP\/1\.1 200 OK/gu)).toHaveLength(2);
    expect(text.match(/Connection: close/gu)).toHaveLength(1);
    expect(text.indexOf('fast')).toBeGreaterThan(text.indexOf('slow'));
    expect((await stopped).steps[0]).toMatchObject({ status: 'ok', details: { drained: 2 } });
  });

  test('closes connections that are idle, and those that never sent anything', async () => {
    const { port, server, stop } = await service();
    const idle = new Agent({ keepAlive: true });
    await request(port, '/fast', idle);
    const silent = connect(port, '127.0.0.1');
    sockets.push(silent);
    await once(server, 'connection');
    const report = await stop();
    expect(report.steps[0]).toMatchObject({
      status: 'ok',
      details: { inFlight: 0, drained: 0, destroyed: 0 },
    });
    expect(report.durationMs).toBeLessThan(2000);
  });

  test('cuts what is open at graceMs, and fails then', async () => {
    const { port, requests, stop } = await service({ graceMs: 100 });
    const cut = request(port, '/slow').catch((error: unknown) => error);
    await requests(1);
    const report = await stop();
    expect(await cut).toMatchObject({ code: 'ECONNRESET' });
    expect(report.steps[0]).toMatchObject({
      status: 'failed',
      error: '1 request had to be cut before the answer was sent',
      details: { inFlight: 1, drained: 0, destroyed: 1 },
    });
  });

  test('cuts what is open at its deadline, and says so', async () => {
    const { port, requests, stop } = await service({ timeoutMs: 100 });
    const cut = request(port, '/slow').catch((error: unknown) => error);
    await requests(1);
    const report = await stop();
    expect(await cut).toMatchObject({ code: 'ECONNRESET' });
    expect(report.steps[0]).toMatchObject({
      status: 'timed-out',
      details: { inFlight: 1, drained: 0, destroyed: 1 },
    });
    expect(report.errors).toHaveLength(2);
  });

  test('counts a request that its client gave up as ended', async () => {
    const { port, requests, stop } = await service();
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    socket.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n');
    await requests(1);
    const stopped = stop();
    socket.destroy();
    expect((await stopped).steps[0]).toMatchObject({ status: 'ok', details: { destroyed: 0 } });
  });

  test('that does not listen is done at once', async () => {
    const report = await fakeShutdown().add(httpServer(createServer())).start();
    expect(report.steps[0]).toMatchObject({ status: 'ok', details: { inFlight: 0 } });
  });

  test('closes an upgraded connection at the end of the grace', async () => {
    const { port, server, stop } = await service({ graceMs: 150 });
    server.on('upgrade', (_, socket: Socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
    });
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    const closed = once(socket, 'close');
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
    await once(socket, 'data');
    const report = await stop();
    await closed;
    expect(report.steps[0]).toMatchObject({ status: 'ok', details: { destroyed: 0 } });
  });

  test.each([[undefined], [{}], [{ close: () => 0 }], ['http']])('is not %p', (server) => {
    expect(() => httpServer(server as never)).toThrow(
      'Expected the server to be a server of node:http, node:https or node:http2',
    );
  });

  test('refuses options that it does not know', () => {
    expect(() => httpServer(createServer(), { grace: 1 } as never)).toThrow('got `grace` (string)');
    expect(() => httpServer(createServer(), { graceMs: 0 })).toThrow(RangeError);
  });
});

test('a service answers what it has accepted before it ends', async () => {
  const child = new Child('http-service.mjs');
  let out = '';
  child.process.stdout?.on('data', (text: string) => (out += text));
  await child.saw('ready');
  const port = Number(/port (\d+)/u.exec(out)?.[1]);
  const answer = request(port, '/slow', new Agent({ keepAlive: true }));
  await child.saw('got /slow');
  child.signal('SIGTERM');
  expect((await answer).statusCode).toBe(200);
  const end = await child.end;
  expect(end).toMatchObject({ code: 0, signal: null });
  expect(end.stderr).toMatch(/✓ http +\d+ ms {2}1 request drained/u);
});
