/** CUDA errors in an unload: a block that is refused can be freed later, a sticky error ends it all. */

import { beforeAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';

import { makeFolder } from '../support/folder.js';
import { writeSafetensors } from '../support/safetensors.js';
import { runSimulated, type SimulatedEnd } from '../support/simulated.js';

interface Told {
  readonly bytes: number;
  readonly first: { readonly error?: unknown };
  readonly state: string;
  readonly lease: unknown;
  readonly second: unknown;
  readonly third: unknown;
  readonly finalState: string;
}

const path = join(makeFolder(), 'model.safetensors');

beforeAll(() =>
  writeSafetensors(
    path,
    Array.from({ length: 10 }, (_, index) => {
      return { name: `t${index}`, dtype: 'U8', shape: [1000] } as const;
    }),
  ),
);

function unload(faults: string): Promise<SimulatedEnd<Told>> {
  return runSimulated<Told>('models-unload.mjs', { faults, args: [JSON.stringify({ path })] });
}

describe.each([
  ['cudaFreeAsync#5', 9000, 'interrupted'],
  ['cudaEventRecord#2', 0, 'interrupted'],
])('an error of %s', (call, freedBytes, state) => {
  let end: SimulatedEnd<Told>;

  beforeAll(async () => {
    end = await unload(`${call}=error:1`);
  });

  test('is the cause of an UnloadError with the balance; the other blocks are freed', () => {
    expect(end.told.first.error).toMatchObject({
      name: 'UnloadError',
      code: 'ERR_UNLOAD',
      phase: 'releasing',
      freedBytes,
      remainingBytes: 10_000 - freedBytes,
      cause: { name: 'CudaError', call: call.split('#')[0], cudaCode: 1, sticky: false },
    });
    expect(end.told.state).toBe(state);
  });

  test('leaves what a later unload frees', () => {
    expect(end.told.second).toMatchObject({
      value: { status: 'unloaded', freedBytes: 10_000 - freedBytes },
    });
    expect(end.told.third).toMatchObject({ value: { status: 'already-unloaded' } });
    expect(end.ledger.devices[0]).toMatchObject({
      usedBytes: 0,
      totalFrees: 10,
      invalidFrees: 0,
      liveStreams: 0,
      liveEvents: 0,
    });
    expect(end).toMatchObject({ code: 0, signal: null });
  });
});

describe('a sticky error', () => {
  let end: SimulatedEnd<Told>;

  beforeAll(async () => {
    end = await unload('cudaFreeAsync#5=sticky:700');
  });

  test('is the cause of an UnloadError, and the model is lost', () => {
    expect(end.told.first.error).toMatchObject({
      name: 'UnloadError',
      phase: 'releasing',
      cause: { name: 'CudaError', cudaName: 'cudaErrorIllegalAddress', sticky: true },
    });
    expect(end.told.state).toBe('lost');
    expect(end.told.lease).toMatchObject({ error: { code: 'ERR_MODEL_STATE', state: 'lost' } });
  });

  test('is the last call: later unloads fail at once, without one', () => {
    const error = {
      name: 'UnloadError',
      message: expect.stringContaining('only the end of the process frees its memory'),
    };
    expect(end.told).toMatchObject({
      second: { error },
      third: { error },
      finalState: 'lost',
    });
    expect(end.ledger.totalCalls).toBe(end.ledgerAt('first').totalCalls);
    expect(end.ledger.devices[0]).toMatchObject({ stickyError: 700, invalidFrees: 0 });
  });

  test('does not keep the process from ending by itself', () => {
    expect(end).toMatchObject({ code: 0, signal: null });
  });
});
