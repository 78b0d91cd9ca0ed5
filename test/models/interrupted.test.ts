/** An unload that is stopped while it frees: at once, with a true balance, and the rest is freed later. */

import { beforeAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';

import { makeFolder } from '../support/folder.js';
import { writeSafetensors } from '../support/safetensors.js';
import { runSimulated, type SimulatedEnd, type World } from '../support/simulated.js';

interface Settled {
  readonly ms: number;
  readonly value?: {
    readonly status: string;
    readonly freedBytes: number;
    readonly tensors: number;
  };
  readonly error?: {
    readonly name: string;
    readonly freedBytes: number;
    readonly remainingBytes: number;
  };
}

interface Told {
  readonly bytes: number;
  readonly first: Settled & { readonly sinceAbort: number };
  readonly held: number;
  readonly state: string;
  readonly stateBefore: string;
  readonly lease: unknown;
  readonly second: Settled;
  readonly third: Settled;
  readonly finalState: string;
}

interface Round {
  readonly afterMs: number;
  readonly bytes: number;
  readonly first: Settled;
  readonly wasStuck: boolean;
  readonly state: string;
  readonly held: number;
  readonly second: Settled;
  readonly finalState: string;
}

const folder = makeFolder();
/** Of unequal sizes, so that a balance of bytes that is right is right by block, too. */
async function modelOf(tensors: number): Promise<string> {
  const path = join(folder, `${tensors}.safetensors`);
  await writeSafetensors(
    path,
    Array.from({ length: tensors }, (_, index) => {
      return { name: `t${index}`, dtype: 'U8', shape: [1 + (index % 97)] } as const;
    }),
  );
  return path;
}

const SLOW: World = { faults: 'cudaFreeAsync=slow:1' };

describe.each([
  ['an abort', { abort: true }, 'AbortError'],
  ['a timeout', { timeoutMs: 150 }, 'TimeoutError'],
] as const)('%s while 2,000 tensors are freed', (_, options, name) => {
  let end: SimulatedEnd<Told>;

  beforeAll(async () => {
    const args = [JSON.stringify({ path: await modelOf(2000), wait: true, ...options })];
    end = await runSimulated<Told>('models-unload.mjs', { ...SLOW, args });
  });

  test('is answered soon', () => {
    const { first } = end.told;
    const late = name === 'AbortError' ? first.sinceAbort : first.ms - 150;
    console.log(`${name}: ${late.toFixed(1)} ms late`);
    // Below 20 ms by design; the rest would have taken two seconds.
    expect(late).toBeLessThan(300);
  });

  test('leaves the model interrupted, with a balance that the device confirms', () => {
    const { first, bytes, held, state, stateBefore, lease } = end.told;
    expect(first.error?.name).toBe(name);
    const { freedBytes = NaN, remainingBytes = NaN } = first.error ?? {};
    expect(freedBytes).toBeGreaterThan(0);
    expect(remainingBytes).toBeGreaterThan(0);
    expect(freedBytes + remainingBytes).toBe(bytes);
    // A thread that was kept from its work for 15 ms counts as stuck, and frees one more block.
    expect(state === 'stuck' || held === remainingBytes).toBe(true);
    expect(end.ledgerAt('second').devices[0]?.usedBytes).toBe(held);
    expect(stateBefore).toBe('interrupted');
    expect(lease).toMatchObject({ error: { code: 'ERR_MODEL_STATE', state: 'interrupted' } });
  });

  test('lets a second unload free exactly the rest', () => {
    const { held, second, third, finalState } = end.told;
    expect(second.value).toMatchObject({
      status: 'unloaded',
      freedBytes: held,
      tensors: end.ledgerAt('second').devices[0]?.liveAllocations,
    });
    expect(third.value).toMatchObject({ status: 'already-unloaded', freedBytes: 0 });
    expect(finalState).toBe('unloaded');
    expect(end.ledger.devices[0]).toMatchObject({
      usedBytes: 0,
      liveAllocations: 0,
      totalAllocations: 2000,
      totalFrees: 2000,
      invalidFrees: 0,
    });
  });

  test('the process ends by itself', () => {
    expect(end).toMatchObject({ code: 0, signal: null });
  });
});

test('an abort at any moment leaves a true balance and a rest that can be freed', async () => {
  const args = [JSON.stringify({ path: await modelOf(40), withinMs: 60 })];
  const end = await runSimulated<Round[]>('models-abort-anywhere.mjs', { ...SLOW, args });
  expect(end).toMatchObject({ code: 0, signal: null });
  expect(end.told).toHaveLength(30);
  for (const { bytes, first, wasStuck, state, held, second, finalState } of end.told) {
    const freed = first.value?.freedBytes ?? first.error?.freedBytes ?? NaN;
    const remaining = first.error?.remainingBytes ?? 0;
    expect(freed + remaining).toBe(bytes);
    // What was freed after it counted as stuck is in neither result.
    expect(remaining - held).toBeGreaterThanOrEqual(0);
    expect(wasStuck || remaining === held).toBe(true);
    expect(second.value?.freedBytes).toBe(held);
    const isDone = held === 0;
    expect({ state, status: second.value?.status, finalState }).toEqual({
      state: isDone ? 'unloaded' : 'interrupted',
      status: isDone ? 'already-unloaded' : 'unloaded',
      finalState: 'unloaded',
    });
  }
  expect(end.ledger.devices[0]).toMatchObject({ usedBytes: 0, totalFrees: 1200, invalidFrees: 0 });
});

test('10,000 tensors are freed beside the event loop, which goes on', async () => {
  const path = await modelOf(10_000);
  const { told } = await runSimulated<Record<'tensors' | 'durationMs' | 'maxMs' | 'count', number>>(
    'models-loop-delay.mjs',
    { args: [path] },
  );
  console.log(`10,000 tensors: event loop delayed by ${told.maxMs.toFixed(1)} ms at most`);
  expect(told.tensors).toBe(10_000);
  expect(told.count).toBeGreaterThan(0);
  expect(told.maxMs).toBeLessThan(50);
});
