/** A model that nobody holds any more gives its memory back when it is collected. */

import { expect, test } from '@jest/globals';
import { join } from 'node:path';

import { makeFolder } from '../support/folder.js';
import { writeSafetensors } from '../support/safetensors.js';
import { runSimulated } from '../support/simulated.js';

test('loaded, leased, interrupted, or cancelled in the queue; and one that is unloading is unloaded', async () => {
  const path = join(makeFolder(), 'model.safetensors');
  await writeSafetensors(
    path,
    Array.from({ length: 50 }, (_, index) => {
      return { name: `t${index}`, dtype: 'U8', shape: [1000] } as const;
    }),
  );
  const end = await runSimulated('models-collected.mjs', {
    args: [path],
    execArgv: ['--expose-gc'],
    faults: 'cudaFreeAsync=slow:1',
  });
  expect(end).toMatchObject({ code: 0, signal: null });
  expect(end.told.before).toBeGreaterThan(50);
  expect(end.told).toMatchObject({ after: 0, unloaded: { status: 'unloaded', tensors: 50 } });
  expect(end.ledger.devices[0]).toMatchObject({ usedBytes: 0, totalFrees: 300, invalidFrees: 0 });
});
