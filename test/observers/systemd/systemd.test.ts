import { describe, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { systemdObserver } from '../../../lib/observers/systemd/systemd-observer.js';
import { runChild } from '../../support/child.js';
import { makeFolder } from '../../support/folder.js';
import { deferred, fakeShutdown } from '../../support/shutdown.js';

const script = fileURLToPath(new URL('../../fixtures/datagrams.py', import.meta.url));

/** What stands for systemd: a real socket, in a process of its own. */
async function receiver(
  address: string,
): Promise<{ next: () => Promise<string>; process: ChildProcess }> {
  const python = spawn('python3', [script, address], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: python.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const line = (await lines.next()) as IteratorResult<string, undefined>;
    return line.value ?? 'the receiver has ended';
  };
  expect(await next()).toBe('bound');
  return { next: async () => JSON.parse(await next()) as string, process: python };
}

describe('under systemd', () => {
  test.each(['a path', 'an abstract name'])('messages arrive at %s', async (kind) => {
    const path = join(makeFolder(), 'notify');
    const address = kind === 'a path' ? path : `@${path}`;
    const { next, process } = await receiver(address);
    try {
      const end = await runChild('systemd-service.mjs', { env: { NOTIFY_SOCKET: address } });
      expect(end).toMatchObject({ code: 0, signal: null });
      expect(await next()).toBe('READY=1\nSTATUS=serving MAINPID=1');
      expect(await next()).toMatch(
        /^STOPPING=1\nSTATUS=Shutting down\nEXTEND_TIMEOUT_USEC=5000000$/,
      );
      expect(await next()).toBe('STATUS=Shutting down: a');
      expect(await next()).toBe('STATUS=Shutting down: b');
      expect(await next()).toBe('STATUS=Shut down: clean, exit code 0');
    } finally {
      process.kill();
      await once(process, 'close');
    }
  });

  test.each([
    ['/nowhere/notify', 'No such file'],
    ['@cuda-shutdown-nobody', 'Connection refused'],
    ['vsock:2:1', 'not supported'],
    [`/${'a'.repeat(200)}`, 'name too long'],
  ])('that is not at %s the service is told, and ends all the same', async (address, why) => {
    const end = await runChild('systemd-service.mjs', { env: { NOTIFY_SOCKET: address } });
    expect(end).toMatchObject({ code: 0, signal: null });
    expect(end.stdout.toLowerCase()).toContain(why.toLowerCase());
    expect(end.stderr.split('✗ (observer): Error: systemd could not be notified')).toHaveLength(2);
  });
});

test('without systemd nothing is sent', async () => {
  const end = await runChild('systemd-service.mjs', { env: { NOTIFY_SOCKET: '' } });
  expect(end).toMatchObject({ code: 0, signal: null, stdout: '' });
  expect(end.stderr).not.toContain('observer');
});

describe('the systemd observer', () => {
  test('asks for time again and again while a step runs, and stops at the end', async () => {
    const sent: string[] = [];
    const hung = deferred();
    const shutdown = fakeShutdown({ timeoutMs: 20_000 }).add('a', () => hung.promise);
    systemdObserver(shutdown, {
      env: {},
      extendMs: 30,
      send: (text) => {
        sent.push(text);
        if (sent.filter((one) => one === 'EXTEND_TIMEOUT_USEC=30000').length === 3) hung.resolve();
      },
    });
    await shutdown.start();
    expect(sent[0]).toBe('STOPPING=1\nSTATUS=Shutting down\nEXTEND_TIMEOUT_USEC=30000');
    expect(sent.filter((text) => text.includes('STOPPING=1'))).toHaveLength(1);
    expect(sent.at(-1)).toBe('STATUS=Shut down: clean, exit code 0');
  });

  test('never asks for more time than is left', async () => {
    const sent: string[] = [];
    const shutdown = fakeShutdown({ timeoutMs: 400 }).add('a', () => new Promise(() => undefined));
    systemdObserver(shutdown, { env: {}, extendMs: 300, send: (text) => sent.push(text) });
    await shutdown.start();
    const asked = sent.flatMap((text) => /EXTEND_TIMEOUT_USEC=(\d+)/.exec(text)?.[1] ?? []);
    expect(Number(asked.at(-1))).toBeLessThan(300_000);
  });

  test.each([
    [{ WATCHDOG_USEC: '20000' }, true],
    [{ WATCHDOG_USEC: '20000', WATCHDOG_PID: String(process.pid) }, true],
    [{ WATCHDOG_USEC: '20000', WATCHDOG_PID: '1' }, false],
    [{ WATCHDOG_USEC: 'soon' }, false],
    [{}, false],
  ])('with %p gives signs of life: %p', async (env, alive) => {
    const sent: string[] = [];
    const thrice = deferred();
    systemdObserver(fakeShutdown(), {
      env,
      send: (text) => {
        sent.push(text);
        if (sent.length === 3) thrice.resolve();
      },
    });
    if (alive) await thrice.promise;
    expect(sent).toEqual(alive ? ['WATCHDOG=1', 'WATCHDOG=1', 'WATCHDOG=1'] : []);
  });
});
