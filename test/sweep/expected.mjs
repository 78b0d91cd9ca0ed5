// What a fault may lead to, by its function, its effect and its moment: which errors it explains, and where
// nobody need be told of it. Pure.
import { STAGES } from './course.mjs';

/** How the product says that a call has not come back, or that something was not waited for any longer. */
const OF_A_HANG =
  /did not end within|to end within [\d.]+ ms, it (?:did not|was still)|was aborted|to answer within \d+ ms|no time was left|did not settle within|there was none|models were not unloaded|parts of the clean-up failed/;

/** Whether the fault leads to an error with this text. @param text all of it: messages and causes */
export function explains({ fault, acted }, text) {
  if (acted === undefined) return false;
  const { call, code, kind } = fault;
  if (kind === 'hang') return OF_A_HANG.test(text);
  if (kind === 'slow') return false;
  const by = kind === 'sticky' ? '\\w+' : call;
  const failed = new RegExp(`\\b${by} on device ${acted.device} failed with \\w+ \\(${code}\\)`);
  // The first questions are asked before there is a device to be named.
  const unavailable = new RegExp(
    `^CUDA is not available: the (?:simulated )?CUDA runtime answers \\w+ \\(${code}\\)`,
  );
  const lost = kind === 'sticky' && text.includes(`The device ${acted.device} of the model`);
  return failed.test(text) || unavailable.test(text) || lost;
}

/** Whether a device has a context, which JavaScript asks itself. */
const OF_CONTEXTS = ['cudaGetDriverEntryPointByVersion', 'cuDevicePrimaryCtxGetState'];
/** Counters that are read and set at once, by contract. */
const OF_COUNTERS = ['cudaMemPoolGetAttribute', 'cudaMemPoolSetAttribute'];

/** Whether a call that hangs may keep JavaScript from going on, so that only the watchdog ends the process. */
export function mayBlock({ fault, acted }) {
  if (fault?.kind !== 'hang' || acted === undefined) return false;
  const asked = acted.stage === STAGES.serve ? [...OF_CONTEXTS, ...OF_COUNTERS] : OF_CONTEXTS;
  return asked.includes(fault.call);
}

/** They take something away, and whoever calls them has its result already: nobody to tell. */
const LAST_CALLS = ['cudaStreamDestroy', 'cudaEventDestroy', 'cudaFreeHost'];
/** What a reading of a device's memory calls. It is evidence, not a condition. */
const READS = [
  'cuDevicePrimaryCtxGetState',
  'cudaSetDevice',
  'cudaMemGetInfo',
  'cudaMemPoolGetAttribute',
];
/** Versions are for people. */
const VERSIONS = ['cudaRuntimeGetVersion', 'cudaDriverGetVersion'];
/** It takes the thread's last error away, and answers it. */
const TAKES = ['cudaGetLastError'];

/** Why nobody need be told that the call failed; undefined where somebody must be. */
export function quiet(run) {
  const { fault, acted } = run;
  const { call, kind, code } = fault;
  if (kind === 'slow') return 'it was only slow';
  if (kind === 'error' && code === 600) return 'it is asked again';
  if (kind === 'sticky' && acted.stage !== STAGES.end) return undefined;
  if (acted.operation === 'call off d') return 'the load was called off at the same time';
  if (LAST_CALLS.includes(call)) return 'what it gives back shows in the ledger';
  if (READS.includes(call) && hasGap(run)) return 'the reading is missing';
  if (kind === 'error' && OF_CONTEXTS.includes(call))
    return 'what the package has begun it knows without';
  if (VERSIONS.includes(call)) return 'a version is for people';
  if (TAKES.includes(call)) return 'nobody needs its answer';
  return undefined;
}

/** How many of each a refused last call leaves behind. */
export function leftByRefusal({ fault, acted }) {
  const refused = (call) =>
    acted !== undefined && fault.kind === 'error' && fault.call === call ? 1 : 0;
  return {
    streams: refused('cudaStreamDestroy'),
    events: refused('cudaEventDestroy'),
    chunks: refused('cudaFreeHost'),
  };
}

/** Whether a reading of the fault's device is missing where the report, or a result, would have it. */
function hasGap({ acted: { device }, trace, last }) {
  if (trace.some(({ verified }) => verified === 'unverifiable')) return true;
  if (last?.complete !== true) return false;
  const { devices, models, steps } = last.report;
  const measured = devices.find(({ index }) => index === device);
  const cleaned = steps
    .find(({ name }) => name === 'cuda')
    ?.details?.devices.find(({ index }) => index === device);
  return (
    models.some(({ verified }) => verified === 'unverifiable') ||
    [measured?.before, measured?.after].some((one) => one?.process === undefined) ||
    [cleaned?.before, cleaned?.after].includes(undefined)
  );
}
