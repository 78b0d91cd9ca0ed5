import { describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, get } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { httpServer } from '../../../lib/steps/http-server.js';
import { certificate } from '../../support/certificate.js';
import { happened, RawClient, serve, stoppedListening } from '../../support/http.js';
import { fakeShutdown } from '../../support/shutdown.js';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const UPGRADE = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n';
const SWITCHED = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n';

describe('a connection', () => {
  test('that is idle still gets an answer while it lingers, and is closed by that', async () => {
    const server = createServer((_, response) => response.end('answer'));
    const { port, stop } = await serve(server, { lingerMs: 60_000 });
    const client = new RawClient(port);
    client.send(GET);
    await client.saw('answer');
    expect(client.text).toContain('Connection: keep-alive');
    client.text = '';
    const stopped = stop(60_000);
    await stoppedListening(server);
    client.send(GET);
    await client.closed;
    expect(client.text).toMatch(/Connection: close[^]*answer/u);
    expect((await stopped).steps[0]).toMatchObject({
      status: 'ok',
      details: { inFlight: 1, drained: 1, destroyed: 0 },
    });
  });

  test('that becomes idle late, after headers that promised to keep it, is closed', async () => {
    let response: ServerResponse | undefined;
    const server = createServer((_, its) => {
      response = its;
      its.writeHead(200, { 'Content-Length': 6 });
      its.write('ans');
    });
    const { port, stop } = await serve(server);
    const client = new RawClient(port);
    client.send(GET);
    await client.saw('ans');
    const stopped = stop();
    await stoppedListening(server);
    response?.end('wer');
    await client.closed;
    expect(client.text).toMatch(/Connection: keep-alive[^]*answer$/u);
    expect((await stopped).steps[0]).toMatchObject({ status: 'ok', details: { drained: 1 } });
  });

  test('in the middle of a request is not idle', async () => {
    const server = createServer((_, response) => response.end('answer'));
    const { port, stop } = await serve(server, { lingerMs: 1 });
    const client = new RawClient(port);
    const [first, rest] = [GET.slice(0, 10), GET.slice(10)];
    client.send(first);
    const [socket] = (await once(server, 'connection')) as [{ bytesRead: number }];
    const stopped = stop();
    while (server.listening || socket.bytesRead === 0) await new Promise(setImmediate);
    // Well after the linger, before it is taken to have stalled.
    await new Promise((resolve) => setTimeout(resolve, 100));
    client.send(rest);
    await client.closed;
    expect(client.text).toContain('answer');
    expect((await stopped).steps[0]).toMatchObject({ status: 'ok', details: { drained: 1 } });
  });

  test('that sends half a request and no more is given up before the deadline', async () => {
    const server = createServer();
    const { port, stop } = await serve(server);
    const client = new RawClient(port);
    client.send(GET.slice(0, 10));
    await once(server, 'connection');
    const report = await stop(20_000);
    await client.closed;
    expect(report.steps[0]).toMatchObject({ status: 'ok', details: { inFlight: 0 } });
  });

  test('that the system holds ready when the shutdown begins is served', async () => {
    const server = createServer((_, response) => response.end('answer'));
    const { port, stop } = await serve(server);
    const clients = Array.from({ length: 20 }, () => new RawClient(port));
    for (const client of clients) client.send(GET);
    await Promise.all(clients.map(({ socket }) => once(socket, 'connect')));
    const report = await stop();
    await Promise.all(clients.map(({ closed }) => closed));
    expect(clients.filter(({ text }) => text.includes('answer'))).toHaveLength(20);
    expect(report.steps[0]).toMatchObject({ status: 'ok' });
  });

  test('whose request expects to be continued counts, too', async () => {
    const server = createServer();
    server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
      response.writeContinue();
      request.on('data', () => undefined).on('end', () => response.end('answer'));
    });
    const { port, stop } = await serve(server);
    const client = new RawClient(port);
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n');
    await client.saw('100 Continue');
    const stopped = stop();
    await stoppedListening(server);
    client.send('ab');
    await client.closed;
    expect(client.text).toMatch(/Connection: close[^]*answer/u);
    expect((await stopped).steps[0]).toMatchObject({ status: 'ok', details: { drained: 1 } });
  });
});

describe('an upgraded connection', () => {
  const upgrading = (): ReturnType<typeof createServer> =>
    createServer().on('upgrade', (_, socket: Duplex) => {
      socket.on('data', () => undefined);
      socket.on('end', () => socket.end());
      socket.write(SWITCHED);
    });

  test('gets a farewell, and time to answer it', async () => {
    const server = upgrading();
    const seen: (string | undefined)[] = [];
    const { port, stop } = await serve(server, {
      farewell: (socket, request) => {
        seen.push(request.url);
        socket.write('goodbye');
      },
    });
    const client = new RawClient(port);
    client.send(UPGRADE);
    await client.saw('Upgrade: x');
    const stopped = stop();
    await client.saw('goodbye');
    client.socket.end();
    expect((await stopped).steps[0]).toMatchObject({
      status: 'ok',
      details: { inFlight: 0, upgraded: 1, upgradesDestroyed: 0 },
    });
    expect(seen).toEqual(['/']);
  });

  test('that comes while the server stops gets one as well', async () => {
    const server = upgrading();
    const { port, stop } = await serve(server, { farewell: (socket) => socket.end('goodbye') });
    const client = new RawClient(port);
    await once(server, 'connection');
    const stopped = stop();
    await stoppedListening(server);
    client.send(UPGRADE);
    await client.saw('goodbye');
    expect((await stopped).steps[0]).toMatchObject({ status: 'ok', details: { upgraded: 1 } });
    expect(client.text.startsWith(SWITCHED)).toBe(true);
  });

  test('that does not close is destroyed at its limit, and does not fail the step', async () => {
    const { port, stop } = await serve(upgrading(), { farewellMs: 50 });
    const client = new RawClient(port);
    client.send(UPGRADE);
    await client.saw('Upgrade: x');
    const report = await stop();
    await client.closed;
    expect(report.steps[0]).toMatchObject({
      status: 'ok',
      details: { upgraded: 1, upgradesDestroyed: 1 },
    });
  });

  test('has a limit below the deadline of the step, whatever was asked for', async () => {
    const { port, stop } = await serve(upgrading(), { farewellMs: 60_000 });
    const client = new RawClient(port);
    client.send(UPGRADE);
    await client.saw('Upgrade: x');
    expect((await stop(800)).steps[0]).toMatchObject({ status: 'ok' });
  });

  test.each([
    [
      'throws',
      () => {
        throw new Error('no');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no'))],
  ])('whose farewell %s is destroyed', async (_, farewell) => {
    const { port, stop } = await serve(upgrading(), { farewell, farewellMs: 60_000 });
    const client = new RawClient(port);
    client.send(UPGRADE);
    await client.saw('Upgrade: x');
    const report = await stop(30_000);
    await client.closed;
    expect(report.steps[0]).toMatchObject({ status: 'ok' });
  });

  test('is none where nobody listens for it: it is answered as a request', async () => {
    const server = createServer((_, response) => response.end('answer'));
    const { port, stop } = await serve(server);
    const client = new RawClient(port);
    client.send(UPGRADE);
    await client.saw('answer');
    expect((await stop()).steps[0]).toMatchObject({ status: 'ok', details: { upgraded: 0 } });
  });
});

test('two servers drain side by side, under two names', async () => {
  const shutdown = fakeShutdown();
  const servers = ['http', 'admin'].map((name) => {
    const server = createServer();
    shutdown.add(httpServer(server, { name }));
    return server.listen(0, '127.0.0.1');
  });
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const report = await shutdown.start();
  expect(report.steps).toMatchObject([
    { name: 'http', status: 'ok' },
    { name: 'admin', status: 'ok' },
  ]);
  expect(servers.map(({ listening }) => listening)).toEqual([false, false]);
});

test('an https server answers what it has accepted', async () => {
  const { key, cert } = certificate();
  let response: ServerResponse | undefined;
  const server = createSecureServer({ key, cert }, (_, its) => (response = its));
  const { port, stop } = await serve(server);
  const requested = happened(server, 'request');
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    get({ port, host: '127.0.0.1', rejectUnauthorized: false }, resolve).on('error', reject);
  });
  // In the middle of its handshake, which it does not finish.
  const silent = new RawClient(port);
  await requested;
  const stopped = stop(20_000);
  await stoppedListening(server);
  response?.end('answer');
  expect((await answer).resume().headers.connection).toBe('close');
  await silent.closed;
  expect((await stopped).steps[0]).toMatchObject({ status: 'ok', details: { drained: 1 } });
});
