import { describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { connect } from 'node:net';
import { healthServer } from '../../../lib/observers/health/health-server.js';
import type { Course } from '../../../lib/observers/health/course.js';
import { Child, runChild } from '../../support/child.js';
import { deferred, fakeShutdown } from '../../support/shutdown.js';

const at = (port: number, path: string): string => `http://127.0.0.1:${port}${path}`;
const status = async (port: number, path: string, method = 'GET'): Promise<number> =>
  (await fetch(at(port, path), { method })).status;
const course = async (port: number): Promise<Course> =>
  (await (await fetch(at(port, '/shutdown'))).json()) as Course;

test('the health server tells the course of a shutdown', async () => {
  const hung = deferred();
  const running = deferred();
  const shutdown = fakeShutdown()
    .add('first', () => Promise.reject(new Error('broken')))
    .add('second', () => hung.promise, { after: ['first'] })
    .on('step', ({ name }) => {
      if (name === 'second') running.resolve();
    });
  const { port, close } = await healthServer(shutdown, { port: 0 });
  expect(await status(port, '/livez')).toBe(200);
  expect(await status(port, '/readyz')).toBe(200);
  expect(await status(port, '/readyz?verbose')).toBe(200);
  expect(await course(port)).toEqual({ state: 'running', steps: [] });

  const ended = shutdown.start('deploy');
  expect(await status(port, '/readyz')).toBe(503);
  await running.promise;
  expect(await status(port, '/livez')).toBe(200);
  expect(await course(port)).toEqual({
    state: 'stopping',
    reason: 'deploy',
    startedAt: expect.any(String),
    elapsedMs: expect.any(Number),
    remainingMs: expect.any(Number),
    steps: [
      expect.objectContaining({ name: 'first', status: 'failed', error: 'broken' }),
      expect.objectContaining({ name: 'second', status: 'running', startMs: expect.any(Number) }),
    ],
  });
  const scraped = await fetch(at(port, '/metrics'));
  expect(scraped.headers.get('content-type')).toContain('text/plain; version=0.0.4');
  expect(await scraped.text()).toMatch(/^cuda_shutdown_in_progress 1$/m);

  hung.resolve();
  await ended;
  expect(await status(port, '/readyz')).toBe(503);
  expect(await course(port)).toMatchObject({ state: 'ended', outcome: 'degraded', exitCode: 1 });
  await close();
  await expect(fetch(at(port, '/livez'))).rejects.toThrow();
});

describe('the health server', () => {
  test('is read-only', async () => {
    const shutdown = fakeShutdown();
    const { port, close } = await healthServer(shutdown, { port: 0 });
    for (const path of ['/livez', '/readyz', '/shutdown', '/metrics']) {
      expect(await status(port, path, 'HEAD')).toBe(200);
      for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
        expect(await status(port, path, method)).toBe(405);
      }
    }
    const head = await fetch(at(port, '/livez'), { method: 'HEAD' });
    expect(await head.text()).toBe('');
    for (const path of ['/', '/livez/', '/toString', '/__proto__', '//']) {
      expect(await status(port, path)).toBe(404);
    }
    expect(shutdown.signal.aborted).toBe(false);
    await close();
  });

  test.each(['\r\n\r\n', 'GET\r\n\r\n', 'GET /livez HTTP/9\r\n\r\n', '\u0000\u0001', 'GET /livez'])(
    'survives %j',
    async (request) => {
      const { port, close } = await healthServer(fakeShutdown(), { port: 0 });
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      socket.end(request);
      await once(socket.resume(), 'close');
      expect(await status(port, '/livez')).toBe(200);
      await close();
    },
  );

  test('answers 500 when the metrics cannot be collected', async () => {
    const registry = {
      contentType: 'text/plain; version=0.0.4; charset=utf-8' as const,
      metrics: () => Promise.reject(new Error('broken')),
    };
    const { port, close } = await healthServer(fakeShutdown(), { port: 0, registry });
    expect(await status(port, '/metrics')).toBe(500);
    await close();
  });

  test('says which port is in use', async () => {
    const { port, close } = await healthServer(fakeShutdown(), { port: 0 });
    await expect(healthServer(fakeShutdown(), { port })).rejects.toMatchObject({
      code: 'EADDRINUSE',
      message: `The health server could not listen on 127.0.0.1:${port}: the port is in use`,
    });
    await close();
  });

  test.each([
    [
      { port: '80' },
      'Expected the `port` option to be a port number, 0 to 65535, got `80` (string)',
    ],
    [{ port: 65_536 }, 'got `65536` (number)'],
    [{ port: 0, host: '' }, 'Expected the `host` option to be a non-empty string'],
    [{ port: 0, path: '/' }, 'Expected the option name to be one of port, host, registry'],
  ])('refuses %p', async (options, message) => {
    await expect(healthServer(fakeShutdown(), options as never)).rejects.toThrow(message);
  });
});

describe('a process with a health server', () => {
  test('ends when nothing else keeps it', async () => {
    expect(await runChild('health-service.mjs')).toMatchObject({ code: 0, signal: null });
  });

  test('ends with its shutdown, while clients hold connections open', async () => {
    const child = new Child('health-service.mjs', { args: ['stopped'], stdin: 'pipe' });
    await child.saw('end');
    const port = Number(/listening (\d+)/.exec(child.stdout)?.[1]);
    const idle = connect(port, '127.0.0.1');
    idle.on('error', () => undefined);
    await once(idle, 'connect');
    expect(await status(port, '/readyz')).toBe(200);
    child.signal('SIGTERM');
    await child.saw('waits running');
    expect(await status(port, '/livez')).toBe(200);
    expect(await status(port, '/readyz')).toBe(503);
    child.process.stdin?.write('go');
    expect(await child.end).toMatchObject({ code: 0, signal: null });
    idle.destroy();
  });
});
