/** A load that ends in the queue of its device has no file open any more. */

import { expect, test } from '@jest/globals';
import { join } from 'node:path';

import { makeFolder } from '../support/folder.js';
import { writeSafetensors } from '../support/safetensors.js';
import { runSimulated } from '../support/simulated.js';

test('loads that are aborted behind one that is slow close their files', async () => {
  const path = join(makeFolder(), 'model.safetensors');
  await writeSafetensors(
    path,
    Array.from({ length: 20 }, (_, index) => {
      return { name: `t${index}`, dtype: 'U8', shape: [4096] } as const;
    }),
  );
  interface Told {
    readonly ends: readonly string[];
    readonly ofOne: number;
    readonly whileOneLoads: number;
    readonly open: number;
  }
  const end = await runSimulated<Told>('models-queued-files.mjs', {
    args: [path],
    faults: 'cudaMemcpyAsync=slow:100',
  });
  expect(end).toMatchObject({ code: 0, signal: null, stderr: '' });
  expect(end.told.ends).toEqual(['AbortError', 'AbortError', 'AbortError']);
  expect(end.told.whileOneLoads).toBe(end.told.ofOne);
  expect(end.told.open).toBe(0);
});
