/** ModelRegistry.idle: what nobody uses is unloaded while the service goes on. */

import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { ModelRegistry } from '../../lib/models/registry.js';
import { disposable, type RuntimeModel } from '../../lib/index.js';

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
});
afterEach(() => {
  jest.useRealTimers();
});

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

async function pass(ms: number): Promise<void> {
  await jest.advanceTimersByTimeAsync(ms);
  await turns();
}

function model(name: string, dispose: () => unknown = () => undefined): RuntimeModel {
  return disposable({ dispose }, { name });
}

test('a model that nobody uses is unloaded, and leaves the registry', async () => {
  const results: string[] = [];
  const registry = new ModelRegistry().add(model('a'));
  const stop = registry.idle({ unloadAfterMs: 1000, onUnload: ({ name }) => results.push(name) });
  await pass(900);
  expect(registry.size).toBe(1);
  await pass(300);
  expect(registry.size).toBe(0);
  expect(results).toEqual(['a']);
  stop();
});

test('a lease keeps it, and its end begins the time anew', async () => {
  const a = model('a');
  const registry = new ModelRegistry().add(a);
  const stop = registry.idle({ unloadAfterMs: 1000 });
  const lease = a.acquire();
  await pass(5000);
  expect(a.state).toBe('loaded');
  lease.release();
  await pass(900);
  expect(a.state).toBe('loaded');
  // Used between two looks.
  a.acquire().release();
  await pass(900);
  expect(a.state).toBe('loaded');
  await pass(400);
  expect(a.state).toBe('unloaded');
  stop();
});

test('what does not tell of its use is left alone', async () => {
  const registry = new ModelRegistry().add({ name: 'a', unload: () => Promise.resolve() });
  const stop = registry.idle({ unloadAfterMs: 100 });
  await pass(5000);
  expect(registry.size).toBe(1);
  stop();
});

test('what others depend on stays as long as they do', async () => {
  const [base, adapter] = [model('base'), model('adapter')];
  const registry = new ModelRegistry().add(base).add(adapter, { dependsOn: ['base'] });
  const stop = registry.idle({ unloadAfterMs: 1000 });
  const lease = adapter.acquire();
  await pass(5000);
  expect(base.state).toBe('loaded');
  lease.release();
  await pass(1300);
  expect(adapter.state).toBe('unloaded');
  await pass(1300);
  expect(base.state).toBe('unloaded');
  stop();
});

test('what was needed and not used follows at once when what needed it is gone', async () => {
  const [base, adapter] = [model('base'), model('adapter')];
  const registry = new ModelRegistry().add(base).add(adapter, { dependsOn: ['base'] });
  const stop = registry.idle({ unloadAfterMs: 1000 });
  await pass(1400);
  expect([base.state, adapter.state]).toEqual(['unloaded', 'unloaded']);
  stop();
});

test('one that throws when it is asked for its use holds up nothing', async () => {
  const broken = Object.defineProperty(
    { name: 'broken', unload: () => Promise.resolve() },
    'leases',
    {
      get: () => {
        throw new Error('a getter');
      },
    },
  );
  const registry = new ModelRegistry().add(broken).add(model('a'));
  const stop = registry.idle({ unloadAfterMs: 1000 });
  await pass(1300);
  expect(registry.get('a')).toBeUndefined();
  expect(registry.size).toBe(1);
  stop();
});

test('one that fails is told, and not tried again and again', async () => {
  let attempts = 0;
  const broken = model('broken', () => {
    attempts += 1;
    throw new Error('no');
  });
  const registry = new ModelRegistry().add(broken);
  const failures: string[] = [];
  const stop = registry.idle({ unloadAfterMs: 100, onError: ({ name }) => failures.push(name) });
  await pass(5000);
  expect(failures).toEqual(['broken']);
  expect(registry.failed.map(({ name }) => name)).toEqual(['broken']);
  expect(attempts).toBe(1);
  stop();
});

test('a listener that throws stops nothing', async () => {
  const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  const registry = new ModelRegistry().add(model('a')).add(model('b'));
  const stop = registry.idle({
    unloadAfterMs: 100,
    onUnload: () => {
      throw new Error('mine');
    },
  });
  await pass(500);
  expect(registry.size).toBe(0);
  expect(warned).toHaveBeenCalledTimes(2);
  warned.mockRestore();
  stop();
});

test('after its end nothing is unloaded any more', async () => {
  const registry = new ModelRegistry().add(model('a'));
  registry.idle({ unloadAfterMs: 100 })();
  await pass(5000);
  expect(registry.size).toBe(1);
  expect(jest.getTimerCount()).toBe(0);
});

describe('the options', () => {
  test.each([
    [undefined, 'unloadAfterMs'],
    [{}, 'unloadAfterMs'],
    [{ unloadAfterMs: 0 }, 'unloadAfterMs'],
    [{ unloadAfterMs: '5' }, 'unloadAfterMs'],
    [{ unloadAfterMs: Infinity }, 'unloadAfterMs'],
    [{ unloadAfterMs: 5, timeoutMs: -1 }, 'timeoutMs'],
    [{ unloadAfterMs: 5, onUnload: 1 }, 'onUnload'],
    [{ unloadAfterMs: 5, onError: 1 }, 'onError'],
    [{ after: 5 }, 'option name'],
  ])('%j are refused', (options, named) => {
    expect(() => new ModelRegistry().idle(options as never)).toThrow(named);
    expect(jest.getTimerCount()).toBe(0);
  });
});
