/** The parts of a model on their way: all arrive, or none stays. */

import { describe, expect, test } from '@jest/globals';

import type { Addon, NativeTensors, Settlement } from '../../lib/native/addon.js';
import { placeParts } from '../../lib/models/place-parts.js';
import { FakeNativeTensors } from '../support/native-model.js';
import { standing } from '../support/settled.js';

interface Loading {
  cancelled: boolean;
  readonly progress: (loadedBytes: number) => void;
  readonly settle: (settlement: Settlement & { readonly model?: NativeTensors }) => void;
}

/** Loads that end when, and as, the test says. */
function start(count: number, signal?: AbortSignal) {
  const loads: Loading[] = [];
  const addon: Pick<Addon, 'loadModel'> = {
    loadModel: (_, progress, settle) => {
      const load: Loading = { cancelled: false, progress, settle };
      loads.push(load);
      return {
        cancel: () => {
          load.cancelled = true;
        },
      };
    },
  };
  const parts = Array.from({ length: count }, (_, device) => {
    return { path: `file ${device}`, fd: 0, device, tensors: [] };
  });
  const progress: number[] = [];
  const placing = placeParts(
    addon as Addon,
    parts,
    { signal, timeoutMs: 1000, leftMs: 1000 },
    (bytes) => progress.push(bytes),
  );
  placing.catch(() => undefined);
  return { loads, progress, placing };
}

describe('parts that are placed', () => {
  test('are told of as one sum', async () => {
    const { loads, progress, placing } = start(2);
    loads[0]?.progress(10);
    loads[1]?.progress(5);
    const models = [new FakeNativeTensors(30), new FakeNativeTensors(20, 1)] as const;
    loads[1]?.settle({ outcome: 'done', model: models[1] });
    loads[0]?.settle({ outcome: 'done', model: models[0] });
    await expect(placing).resolves.toEqual(models);
    expect(progress.slice(0, 2)).toEqual([10, 15]);
    expect(progress.at(-1)).toBe(50);
  });

  test('are cancelled when one fails, and given back before the failure is told', async () => {
    const { loads, placing } = start(3);
    const there = new FakeNativeTensors();
    loads[0]?.settle({ outcome: 'done', model: there });
    loads[1]?.settle({ outcome: 'failed', failure: { kind: 'internal', message: 'no' } });
    expect(await standing(placing)).toBe('pending');
    expect(loads[2]?.cancelled).toBe(true);
    loads[2]?.settle({ outcome: 'interrupted' });
    expect(await standing(placing)).toBe('pending');
    there.latest.settles('done');
    await expect(placing).rejects.toThrow('no');
  });

  test('are all cancelled by the signal', async () => {
    const controller = new AbortController();
    const { loads, placing } = start(2, controller.signal);
    controller.abort('enough');
    expect(loads.map(({ cancelled }) => cancelled)).toEqual([true, true]);
    loads[0]?.settle({ outcome: 'stuck' });
    loads[1]?.settle({ outcome: 'interrupted' });
    await expect(placing).rejects.toMatchObject({
      name: 'AbortError',
      cause: 'enough',
      message:
        'loading file 0 was aborted; it is stuck inside a CUDA call or a read of the file and was left behind',
    });
  });

  test('say which file became shorter', async () => {
    const { loads, placing } = start(1);
    const message = 'Expected 4 more bytes at offset 10, got the end of the file';
    loads[0]?.settle({ outcome: 'failed', failure: { kind: 'truncated', message } });
    await expect(placing).rejects.toMatchObject({
      name: 'SafetensorsError',
      reason: 'MetadataIncompleteBuffer',
      message: `The file \`file 0\` has become shorter while it was loaded: ${message}`,
    });
  });
});
