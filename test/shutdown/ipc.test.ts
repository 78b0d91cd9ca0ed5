/** Shutdowns that the parent asks for. */

import { describe, expect, test } from '@jest/globals';
import { Child } from '../support/child.js';

const service = async (ipc: unknown, alive: string, channel = true): Promise<Child> => {
  const args = [JSON.stringify(ipc), alive];
  const child = new Child('ipc-service.mjs', { args, ipc: channel });
  await child.saw('ready');
  return child;
};

describe('the parent', () => {
  test.each([[true], [['shutdown']], [['shutdown', 'disconnect']]])(
    'asks by the message `shutdown`: %j',
    async (ipc) => {
      const child = await service(ipc, 'timer');
      child.process.send({ type: 'shutdown' });
      child.process.send('shutdown');
      const end = await child.end;
      expect(end).toMatchObject({ code: 0, signal: null });
      expect(end.stdout).toBe('ready\nbegan shutdown message\n');
    },
  );

  test('asks by closing the channel, where that was chosen', async () => {
    const child = await service(['disconnect'], 'timer');
    child.process.send('shutdown');
    child.process.disconnect();
    const end = await child.end;
    expect(end).toMatchObject({ code: 0, signal: null });
    expect(end.stdout).toBe('ready\nbegan disconnect\n');
  });

  test.each([[true], [false], [['shutdown']]])(
    'asks for nothing by closing the channel: %j',
    async (ipc) => {
      const child = await service(ipc, 'timer');
      child.process.disconnect();
      child.signal('SIGTERM');
      expect((await child.end).stdout).toBe('ready\nbegan SIGTERM\n');
    },
  );

  test('asks for nothing by a message that was not chosen', async () => {
    const child = await service(false, 'own-listener');
    child.process.send('shutdown');
    await child.saw('own shutdown');
    child.signal('SIGTERM');
    expect((await child.end).stdout).toBe('ready\nown shutdown\nbegan SIGTERM\n');
  });

  test('that there is not asks for nothing', async () => {
    const child = await service(true, 'timer', false);
    child.signal('SIGTERM');
    expect((await child.end).code).toBe(0);
  });
});

describe('the listening', () => {
  test('does not keep the process alive', async () => {
    const child = await service(['shutdown', 'disconnect'], 'nothing');
    const end = await child.end;
    expect(end).toMatchObject({ code: 0, signal: null });
    expect(end.stdout).toBe('ready\nbegan beforeExit\n');
  });

  test("leaves it to the service's own listener to keep it alive", async () => {
    const child = await service(['shutdown', 'disconnect'], 'own-listener');
    child.process.send('hello');
    await child.saw('own hello');
    child.process.send('shutdown');
    const end = await child.end;
    expect(end).toMatchObject({ code: 0, signal: null });
    expect(end.stdout).toBe('ready\nown hello\nbegan shutdown message\nown shutdown\n');
  });

  test('that is taken back changes nothing for that listener', async () => {
    const child = await service(['shutdown', 'disconnect'], 'uninstalled');
    child.process.send('shutdown');
    await child.saw('own shutdown');
    child.process.send('bye');
    expect((await child.end).code).toBe(5);
  });

  test('that is taken back without one lets the process end', async () => {
    const end = await (await service(true, 'uninstalled-alone')).end;
    expect(end).toMatchObject({ code: 0, stdout: 'ready\n' });
  });
});
