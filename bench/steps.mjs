// How a shutdown grows with its steps, from start() to the report: side by side, each after the one before
// it, and all after the first.
import path from 'node:path';
import { createShutdown } from '../dist/index.js';
import { interleaved } from './interleaved.mjs';
import { rowsAgainst } from './rows.mjs';

const COUNTS = [1, 10, 100, 1000, 10_000];

/** Answers the microseconds a step. */
function ends(count, { after = () => [], report = false } = {}) {
  return async () => {
    const shutdown = createShutdown({ exit: false, console: false, report, timeoutMs: 600_000 });
    for (let step = 0; step < count; step += 1) {
      const options = { after: step > 0 ? after(step) : [] };
      shutdown.add(`step-${step}`, async () => {}, options);
    }
    const startedAt = performance.now();
    const { outcome } = await shutdown.start();
    const ms = performance.now() - startedAt;
    if (outcome !== 'clean') throw new Error(`Expected a clean end, got ${outcome}`);
    return (1000 * ms) / count;
  };
}

export async function run({ quick, folder }) {
  const rows = [];
  for (const [how, options] of [
    ['side by side', {}],
    ['in a chain', { after: (step) => [`step-${step - 1}`] }],
    ['all after one', { after: () => ['step-0'] }],
    ['side by side, with report and journal', { report: path.join(folder, 'reports') }],
  ]) {
    const took = await interleaved(
      Object.fromEntries(COUNTS.map((count) => [count, ends(count, options)])),
      quick ? 3 : 20,
      3,
    );
    COUNTS.slice(1).forEach((count, index) => {
      const fewer = COUNTS[index];
      rows.push(
        ...rowsAgainst(`${count.toLocaleString('en')} steps ${how}, a step`, 'µs', took[count], {
          [`${fewer.toLocaleString('en')} of them`]: took[fewer],
        }),
      );
    });
  }
  return rows;
}
