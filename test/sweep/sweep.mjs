// The sweep: one life of a service, run once to count its calls of the CUDA runtime, and then again for each
// call with each fault, in a process of its own. Every end must be explained by its fault.
//   npm run build && npm run sweep [-- --sample] [--only cudaFreeAsync] [--jobs 4]
//   CUDA_SHUTDOWN_SIM_FAULTS='cudaFreeAsync#3=hang' npm run sweep     one fault, and all that is left of it
import { inspect, parseArgs } from 'node:util';
import { judge } from './oracle.mjs';
import { everyFault, faultOf, sampleOfFaults } from './plan.mjs';
import { makeWorkshop } from './run.mjs';
import { table, totals } from './table.mjs';

const { values } = parseArgs({
  options: {
    sample: { type: 'boolean', default: false },
    only: { type: 'string' },
    jobs: { type: 'string', default: '4' },
  },
});
const single = process.env.CUDA_SHUTDOWN_SIM_FAULTS ?? '';
const workshop = makeWorkshop();
try {
  process.exitCode = single === '' ? await sweep() : await reproduce(single);
} finally {
  workshop.close();
}

async function sweep() {
  const startedAt = performance.now();
  const undisturbed = await workshop.run({});
  const { complaints } = judge(undisturbed);
  if (complaints.length > 0) throw new Error(`Without a fault: ${complaints.join('; ')}`);
  const { calls } = undisturbed.trace.at(-1);
  const faults = (values.sample ? sampleOfFaults : everyFault)(calls).filter(
    ({ call }) => values.only === undefined || call === values.only,
  );
  let done = 0;
  const results = await inParallel(faults, Number(values.jobs), async (fault) => {
    const verdict = await judged(fault);
    if (verdict.complaints.length > 0) complain(fault, verdict.complaints);
    done += 1;
    if (done % 100 === 0) console.error(`${done} of ${faults.length}`);
    return { fault, ...verdict };
  });
  console.log(table(results));
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  const unexplained = results.filter((one) => one.complaints.length > 0).length;
  console.log(`${results.length} processes in ${seconds} s: ${totals(results)}`);
  const again = results.filter(({ tries }) => tries > 1).length;
  console.log(`${unexplained} unexplained, ${again} tried again`);
  return unexplained === 0 ? 0 : 1;
}

/**
 * A life that hangs is bounded by its time, of which a busy machine may take what it needs: only what is
 * unexplained each time is.
 */
async function judged(fault) {
  const most = fault.kind === 'hang' ? 3 : 1;
  for (let tries = 1; ; tries += 1) {
    const run = await workshop.run({ fault });
    const verdict = judge(run);
    if (verdict.complaints.length === 0 || tries === most) {
      return { ...verdict, endMs: run.endMs, tries };
    }
  }
}

function complain({ text }, complaints) {
  console.log(`UNEXPLAINED: CUDA_SHUTDOWN_SIM_FAULTS='${text}' npm run sweep`);
  for (const complaint of complaints) console.log(`  ${complaint}`);
}

async function reproduce(text) {
  const run = await workshop.run({ fault: faultOf(text) });
  const verdict = judge(run);
  console.log(
    inspect({ ...run, ...verdict }, { depth: 10, breakLength: 160, maxStringLength: 600 }),
  );
  return verdict.complaints.length === 0 ? 0 : 1;
}

async function inParallel(items, jobs, work) {
  const results = [];
  const queue = items.entries();
  const worker = async () => {
    for (const [index, item] of queue) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  return results;
}
