// Chance that can be had again: numbers from a seed, and faults of the simulated device from those.

/** Mulberry32: answers numbers from 0 to below 1. */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What goes wrong, how often in a hundred cycles, and how many calls a cycle has, more or less. */
const FAULTS = [
  ['cudaFreeAsync', 'error:999', 10, 'tensors'],
  ['cudaFreeAsync', 'hang:40', 10, 'tensors'],
  ['cudaMallocFromPoolAsync', 'error:2', 4, 'tensors'],
  ['cudaMemcpyAsync', 'error:999', 4, 'tensors'],
  ['cudaMemcpyAsync', 'hang:30', 4, 'tensors'],
  ['cudaHostAlloc', 'error:2', 2, 1],
  ['cudaStreamCreateWithFlags', 'error:999', 2, 1],
  ['cudaEventCreateWithFlags', 'error:999', 2, 2],
  ['cudaEventRecord', 'error:999', 4, 2],
  ['cudaEventQuery', 'error:999', 4, 'tensors'],
  ['cudaMemGetInfo', 'error:999', 4, 2],
];

/** Each free takes 1 ms; the rest by chance, and seldom in the first cycles. None ends a device. */
export function faultsByChance(chance, { cycles, tensors }) {
  const faults = ['cudaFreeAsync=slow:1'];
  for (const [call, effect, perHundred, calls] of FAULTS) {
    const perCycle = calls === 'tensors' ? tensors : calls;
    for (let left = Math.ceil((cycles / 100) * perHundred); left > 0; left -= 1) {
      const nth = 10 * perCycle + Math.floor(chance() * cycles * perCycle);
      faults.push(`${call}#${nth}=${effect}`);
    }
  }
  return faults.join(',');
}
