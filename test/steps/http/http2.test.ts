import { describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import {
  connect,
  createSecureServer,
  createServer,
  type ClientHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { get } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { certificate } from '../../support/certificate.js';
import { happened, later, RawClient, serve, stoppedListening } from '../../support/http.js';

function session(port: number, scheme = 'http'): ClientHttp2Session {
  const client = connect(`${scheme}://127.0.0.1:${port}`, { rejectUnauthorized: false });
  later(() => {
    client.destroy();
  });
  return client.on('error', () => undefined);
}

function request(client: ClientHttp2Session): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const stream = client.request({ ':path': '/' }).setEncoding('utf8');
    stream.on('data', (part: string) => (text += part));
    stream.on('error', reject);
    stream.on('end', () => {
      resolve(text);
    });
  });
}

describe('an HTTP/2 server', () => {
  test('says GOAWAY, and completes the streams in flight', async () => {
    const streams: ServerHttp2Stream[] = [];
    const server = createServer().on('stream', (stream) => streams.push(stream));
    const { port, stop } = await serve(server);
    const client = session(port);
    const two = happened(server, 'stream', 2);
    const answers = [request(client), request(client)];
    await two;
    const goaway = once(client, 'goaway');
    const stopped = stop();
    expect((await goaway)[0]).toBe(0);
    for (const stream of streams) stream.end('answer');
    expect(await Promise.all(answers)).toEqual(['answer', 'answer']);
    expect((await stopped).steps[0]).toMatchObject({
      status: 'ok',
      details: { inFlight: 2, drained: 2, destroyed: 0 },
    });
  });

  test('closes sessions that are idle, and one that never sent anything', async () => {
    const server = createServer((_, response) => response.end('answer'));
    const { port, stop } = await serve(server);
    const client = session(port);
    expect(await request(client)).toBe('answer');
    const silent = new RawClient(port);
    await once(server, 'connection');
    const closed = once(client, 'close');
    expect((await stop(20_000)).steps[0]).toMatchObject({ status: 'ok' });
    await Promise.all([closed, silent.closed]);
  });

  test('cuts the streams that are open at graceMs, and fails then', async () => {
    const server = createServer(() => undefined);
    const { port, stop } = await serve(server, { graceMs: 100 });
    const requested = happened(server, 'request');
    const answer = request(session(port)).catch(() => 'cut');
    await requested;
    expect((await stop()).steps[0]).toMatchObject({
      status: 'failed',
      details: { inFlight: 1, drained: 0, destroyed: 1 },
    });
    // Without an answer; whether that is an error to the client depends on what reached it.
    expect(['cut', '']).toContain(await answer);
  });

  test('counts a stream that its client gave up as ended', async () => {
    const server = createServer(() => undefined);
    const { port, stop } = await serve(server);
    const client = session(port);
    const requested = happened(server, 'request');
    const stream = client.request({ ':path': '/' }).on('error', () => undefined);
    await requested;
    const goaway = once(client, 'goaway');
    const stopped = stop();
    await goaway;
    stream.close();
    expect((await stopped).steps[0]).toMatchObject({ status: 'ok', details: { destroyed: 0 } });
  });

  test('with TLS drains both protocols', async () => {
    const answers: (() => void)[] = [];
    const server = createSecureServer({ ...certificate(), allowHTTP1: true }, (_, response) => {
      answers.push(() => response.end('answer'));
    });
    const { port, stop } = await serve(server);
    const requested = happened(server, 'request', 2);
    const modern = request(session(port, 'https'));
    const old = new Promise<IncomingMessage>((resolve, reject) => {
      get({ port, host: '127.0.0.1', rejectUnauthorized: false }, resolve).on('error', reject);
    });
    await requested;
    const stopped = stop();
    await stoppedListening(server);
    for (const answer of answers) answer();
    expect(await modern).toBe('answer');
    expect((await old).resume().headers.connection).toBe('close');
    expect((await stopped).steps[0]).toMatchObject({ status: 'ok', details: { drained: 2 } });
  });

  test('is left as it is where the service uses streams only', async () => {
    const server = createServer().on('stream', () => undefined);
    const before = server.listenerCount('stream');
    await serve(server);
    expect(server.listenerCount('request')).toBe(0);
    expect(server.listenerCount('stream')).toBe(before);
  });
});
