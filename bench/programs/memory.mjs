// What one more of a thing holds: makes COUNT of them, and prints the bytes of V8's heap and of the
// resident set for each, and the resident set of the whole, as JSON. Needs --expose-gc.
import { setTimeout as sleep } from 'node:timers/promises';

const [what, count, given] = process.argv.slice(2);

/** Each answers what makes one, when all that it needs is loaded. */
const makers = {
  shutdown: async () => {
    const { createShutdown } = await import('../../dist/index.js');
    return () => createShutdown({ console: false });
  },
  'close-with-grace': async () => {
    const { default: closeWithGrace } = await import('close-with-grace');
    process.setMaxListeners(0);
    return () => closeWithGrace({ delay: 30_000 }, async () => {});
  },
  step: async () => {
    const { createShutdown } = await import('../../dist/index.js');
    const shutdown = createShutdown({ console: false });
    let made = 0;
    return () => shutdown.add(`step-${(made += 1)}`, async () => {});
  },
  'exit-hook': async () => {
    const { asyncExitHook } = await import('exit-hook');
    return () => asyncExitHook(async () => {}, { wait: 30_000 });
  },
  model: async () => {
    const { loadModel } = await import('../../dist/index.js');
    return () => loadModel(given);
  },
  import: async () => () => import(given),
};

/** What is left when all is collected that can be. */
async function held() {
  for (let round = 0; round < 4; round += 1) {
    globalThis.gc();
    await sleep(5);
  }
  return { heap: process.memoryUsage().heapUsed, rss: process.memoryUsage.rss() };
}

const make = await makers[what]();
const kept = [];
// The first of them brings what all share.
if (what !== 'import') for (let warm = 0; warm < 10; warm += 1) kept.push(await make());
const before = await held();
for (let made = 0; made < Number(count); made += 1) kept.push(await make());
const after = await held();
const each = (key) => (after[key] - before[key]) / Number(count);
console.log(JSON.stringify({ heap: each('heap'), rss: each('rss'), whole: after.rss }));
process.exit(kept.length > 0 ? 0 : 1);
