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
  readonly lease: unknown;
  readonly second: Settled;
  readonly third: Settled;
  readonly finalState: string;
}

interface Round {
  readonly afterMs: number;
  readonly bytes: number;
  readonly first: Settled;
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
    const args = [JSON.stringify({ path: await modelOf(2000), ...options })];
    end = await runSimulated<Told>('models-unload.mjs', { ...SLOW, args });
  });

  test('is answered soon', () => {
    const { first } = end.told;
    const late = name === 'AbortError' ? first.sinceAbort : first.ms - 150;
    console.log(`${name}: ${late.toFixed(1)} ms late`);
    expect(late).toBeLessThan(100);
  });

  test('leaves the model interrupted, with a balance that the device confirms', () => {
    const { first, bytes, held, state, lease } = end.told;
    expect(first.error?.name).toBe(name);
    const { freedBytes = NaN, remainingBytes = NaN } = first.error ?? {};
    expect(freedBytes).toBeGreaterThan(0);
    expect(remainingBytes).toBeGreaterThan(0);
    expect(freedBytes + remainingBytes).toBe(bytes);
    expect(held).toBe(remainingBytes);
    expect(end.ledgerAt('first').devices[0]?.usedBytes).toBe(remainingBytes);
    expect(state).toBe('interrupted');
    expect(lease).toMatchObject({ error: { code: 'ERR_MODEL_STATE', state: 'interrupted' } });
  });

  test('lets a second unload free exactly the rest', () => {
    const { first, second, third, finalState } = end.told;
    const left = end.ledgerAt('first').devices[0]?.liveAllocations;
    expect(second.value).toMatchObject({
      status: 'unloaded',
      freedBytes: first.error?.remainingBytes,
      tensors: left,
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
  for (const round of end.told) {
    const { bytes, first, second, held } = round;
    const freed = first.value?.freedBytes ?? first.error?.freedBytes ?? NaN;
    expect(first.error === undefined ? bytes : freed + first.error.remainingBytes).toBe(bytes);
    expect(round).toMatchObject({
      state: first.value ? 'unloaded' : 'interrupted',
      held: bytes - freed,
      finalState: 'unloaded',
      second: { value: { freedBytes: held } },
    });
    expect(second.value?.status).toBe(first.value ? 'already-unloaded' : 'unloaded');
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
