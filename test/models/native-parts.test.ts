/** The parts of a model as one: what they settle as together. */

import { describe, expect, test } from '@jest/globals';

import type { MemoryReading } from '../../lib/common/device-memory.js';
import type { NativeFailure, NativeReleaseSettlement } from '../../lib/native/addon.js';
import { NativeParts } from '../../lib/models/native-parts.js';
import { FakeNativeTensors } from '../support/native-model.js';

interface Started {
  readonly parts: readonly FakeNativeTensors[];
  readonly native: NativeParts;
  readonly settled: NativeReleaseSettlement[];
  readonly returned: number[];
  readonly progress: number[];
  cancel(): void;
}

/** A release of parts with these devices, of 100 bytes each. */
function start(...devices: number[]): Started {
  const parts = devices.map((device) => new FakeNativeTensors(100, device));
  const native = new NativeParts(parts);
  const settled: NativeReleaseSettlement[] = [];
  const returned: number[] = [];
  const progress: number[] = [];
  const job = native.release(
    (freedBytes) => progress.push(freedBytes),
    (settlement) => settled.push(settlement),
    () => returned.push(settled.length),
  );
  return {
    ...{ parts, native, settled, returned, progress },
    cancel: () => {
      job.cancel();
    },
  };
}

const STICKY: NativeFailure = {
  kind: 'cuda',
  message: 'lost',
  cudaCode: 719,
  cudaName: 'cudaErrorLaunchFailure',
  call: 'cudaFreeAsync',
  device: 1,
  sticky: true,
};
const REFUSED: NativeFailure = { ...STICKY, message: 'refused', cudaCode: 1, sticky: false };

function reading(allocated: number): MemoryReading {
  return { free: 1000 - allocated, total: 1000, allocated, reserved: allocated };
}

describe('parts that are released', () => {
  test('are one sum: bytes, devices and pointers', () => {
    const { native, parts } = start(3, 1, 3);
    expect(native).toMatchObject({ bytes: 300, freedBytes: 0, device: 3, devices: [1, 3] });
    expect(new NativeParts(parts).pointer(1, 0)).toBe(100n);
    expect(native.pointer(1, 0)).toBeUndefined();
  });

  test('settle once all have, with the sum of what they freed', () => {
    const { parts, settled } = start(0, 1);
    parts[1]?.latest.settles('done');
    expect(settled).toEqual([]);
    parts[0]?.latest.settles('done');
    expect(settled).toMatchObject([{ outcome: 'done', freedBytes: 200, exclusive: true }]);
  });

  test('are all cancelled, and interrupted when one is', () => {
    const release = start(0, 1);
    const { parts, settled, native } = release;
    parts[0]?.latest.settles('done');
    release.cancel();
    expect(parts.map(({ latest }) => latest.cancelled)).toEqual([true, true]);
    parts[1]?.latest.frees(40);
    parts[1]?.latest.settles('interrupted');
    expect(settled).toMatchObject([{ outcome: 'interrupted', freedBytes: 140 }]);
    expect(native.freedBytes).toBe(140);
  });

  test('are stuck when one is, until it has come back', () => {
    const { parts, settled, returned } = start(0, 1, 2);
    parts[0]?.latest.settles('stuck');
    parts[1]?.latest.settles('stuck');
    parts[2]?.latest.settles('done');
    expect(settled).toMatchObject([{ outcome: 'stuck' }]);
    parts[1]?.latest.returns();
    expect(returned).toEqual([]);
    parts[0]?.latest.returns();
    expect(returned).toEqual([1]);
  });

  test('are stuck no more when it comes back before the others settle', () => {
    const { parts, settled, returned } = start(0, 1);
    parts[0]?.latest.settles('stuck');
    parts[0]?.latest.returns();
    parts[1]?.latest.settles('done');
    expect(settled).toMatchObject([{ outcome: 'interrupted' }]);
    expect(returned).toEqual([]);
  });

  test('fail with the failure of one, the loss of a device before any other', () => {
    const { parts, settled, native } = start(0, 1, 2);
    parts[0]?.latest.settles('failed', { failure: REFUSED });
    const lost = parts[1];
    if (lost) lost.lost = true;
    lost?.latest.settles('failed', { failure: STICKY });
    parts[2]?.latest.settles('done');
    expect(settled).toMatchObject([{ outcome: 'failed', freedBytes: 100, failure: STICKY }]);
    expect(native).toMatchObject({ lost: true, device: 1, freedBytes: 100 });
  });

  test('are not lost with a device on which nothing is left', () => {
    const { parts, native } = start(0, 1);
    parts[1]?.latest.settles('done');
    if (parts[1]) parts[1].lost = true;
    expect(native.lost).toBe(false);
  });

  test('tell their progress at most every 16 ms', () => {
    const { parts, progress } = start(0, 1);
    parts[0]?.latest.frees(10);
    parts[1]?.latest.frees(20);
    expect(progress).toEqual([10]);
  });
});

describe('the readings of their devices', () => {
  const settle = (readings: readonly [number, number | undefined][], ...devices: number[]) => {
    const { parts, settled } = start(...devices);
    readings.forEach(([before, after], index) => {
      parts[index]?.latest.settles('done', {
        before: reading(before),
        ...(after === undefined ? {} : { after: reading(after) }),
      });
    });
    return settled[0];
  };

  test('are added up, each before its first part and after its last', () => {
    const settlement = settle(
      [
        [300, 200],
        [500, 400],
        [200, 100],
      ],
      0,
      1,
      0,
    );
    expect(settlement).toMatchObject({ exclusive: true });
    expect(settlement?.before).toEqual({ free: 1200, total: 2000, allocated: 800, reserved: 800 });
    expect(settlement?.after).toEqual({ free: 1500, total: 2000, allocated: 500, reserved: 500 });
  });

  test('prove nothing when others worked between two parts', () => {
    expect(
      settle(
        [
          [300, 200],
          [400, 300],
        ],
        0,
        0,
      ),
    ).toMatchObject({ exclusive: false });
  });

  test('are missing when one is', () => {
    const settlement = settle(
      [
        [300, 200],
        [300, undefined],
      ],
      0,
      1,
    );
    expect(settlement?.before).toBeDefined();
    expect(settlement?.after).toBeUndefined();
  });
});
