/** A CUDA call that hangs in an unload: given up in time, and the other models are unloaded. */

import { beforeAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';

import { makeFolder } from '../support/folder.js';
import { writeSafetensors } from '../support/safetensors.js';
import { runSimulated, type SimulatedEnd } from '../support/simulated.js';

interface Settled {
  readonly ms: number;
  readonly value?: { readonly status: string; readonly freedBytes: number };
  readonly error?: {
    readonly name: string;
    readonly code: string;
    readonly message: string;
    readonly freedBytes: number;
    readonly remainingBytes: number;
  };
}

const path = join(makeFolder(), 'model.safetensors');
const TENSORS = 100;

beforeAll(() =>
  writeSafetensors(
    path,
    Array.from({ length: TENSORS }, (_, index) => {
      return { name: `t${index}`, dtype: 'U8', shape: [1000] } as const;
    }),
  ),
);

const LIMIT_MS = 300;
/** 15 ms by design; the machine may be busy. */
const LATE_MS = 250;

describe.each(['one by one', 'side by side', 'by unloadAll'])('for ever: %s', (way) => {
  interface Told {
    readonly settled: readonly Settled[];
    readonly states: readonly string[];
    readonly bytes: number;
  }
  let end: SimulatedEnd<Told>;

  beforeAll(async () => {
    const args = [JSON.stringify({ path, timeoutMs: LIMIT_MS, way })];
    end = await runSimulated<Told>('models-hang.mjs', { faults: 'cudaFreeAsync#50=hang', args });
  });

  test('the unload gives up close to its limit', () => {
    const { ms = NaN, error } = end.told.settled[0] ?? {};
    console.log(`hang, ${way}: ${(ms - LIMIT_MS).toFixed(1)} ms late`);
    expect(error?.code).toBe('ERR_TIMEOUT');
    expect(ms).toBeGreaterThanOrEqual(LIMIT_MS - 1);
    expect(ms).toBeLessThan(LIMIT_MS + LATE_MS);
  });

  test('its error says how far it came', () => {
    const { error } = end.told.settled[0] ?? {};
    const isStuck = error?.message.includes('stuck inside a CUDA call');
    const balance = (error?.freedBytes ?? NaN) + (error?.remainingBytes ?? NaN);
    // unloadAll leaves an unload to itself 40 ms after its limit, which is soon on a busy machine.
    const wasLeft = way === 'by unloadAll' && !isStuck;
    expect({ isStuck, balance }).toEqual({
      isStuck: !wasLeft,
      balance: wasLeft ? NaN : end.told.bytes,
    });
  });

  test('the other models of the device are unloaded', () => {
    const { settled, states, bytes } = end.told;
    const unloaded = { status: 'unloaded', freedBytes: bytes };
    expect(settled.slice(1)).toMatchObject([{ value: unloaded }, { value: unloaded }]);
    expect(states).toEqual(['stuck', 'unloaded', 'unloaded']);
    expect(end.ledgerAt('settled').devices[0]).toMatchObject({
      liveAllocations: TENSORS - 49,
      invalidFrees: 0,
    });
  });

  test('the process ends by itself', () => {
    expect(end).toMatchObject({ code: 0, signal: null });
  });
});

describe.each([false, true])('for a while; waits for its return: %j', (wait) => {
  interface Told {
    readonly bytes: number;
    readonly first: Settled;
    readonly state: string;
    readonly stateBefore: string;
    readonly second: Settled;
    readonly third: Settled;
    readonly finalState: string;
  }
  let end: SimulatedEnd<Told>;

  beforeAll(async () => {
    const args = [JSON.stringify({ path, timeoutMs: 100, wait })];
    end = await runSimulated<Told>('models-unload.mjs', {
      faults: 'cudaFreeAsync#50=hang:600',
      args,
    });
  });

  test('the unload gives up, and the model is stuck', () => {
    expect(end.told.first.error?.code).toBe('ERR_TIMEOUT');
    expect(end.told.first.ms).toBeLessThan(100 + LATE_MS);
    expect(end.told.state).toBe('stuck');
    expect(end.ledgerAt('first').devices[0]?.liveAllocations).toBe(TENSORS - 49);
  });

  test('its state becomes what is true when the call has come back', () => {
    expect(end.told.stateBefore).toBe(wait ? 'interrupted' : 'stuck');
    const { liveAllocations } = end.ledgerAt('second').devices[0] ?? {};
    expect(liveAllocations).toBe(wait ? TENSORS - 50 : TENSORS - 49);
  });

  test('the second unload waits for it, and frees the rest, each block once', () => {
    const { second, third, finalState } = end.told;
    expect(second.value).toMatchObject({ status: 'unloaded', freedBytes: (TENSORS - 50) * 1000 });
    expect(third.value).toMatchObject({ status: 'already-unloaded' });
    expect(finalState).toBe('unloaded');
    expect(end.ledger.devices[0]).toMatchObject({
      usedBytes: 0,
      totalFrees: TENSORS,
      invalidFrees: 0,
      liveStreams: 0,
      liveEvents: 0,
    });
    expect(end).toMatchObject({ code: 0, signal: null });
  });
});
