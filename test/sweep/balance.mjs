// What a run's models say that they hold, against what the ledger says: pure.
import { leftByRefusal } from './expected.mjs';

/** One of the ring that loads and reads go through: native/core/pinned_ring.h. */
const CHUNK_BYTES = 2 * 2 ** 20;

/** Complaints. */
export function balance(run) {
  const { ledger, acted, fault } = run;
  if (ledger === undefined) return [];
  // What a device that is lost, or a call that does not come back, keeps to itself.
  const keeps = (index) => acted?.device === index && ['sticky', 'hang'].includes(fault.kind);
  return [
    ...ledger.devices.flatMap((device, index) => [
      ...(device.invalidFrees === 0
        ? []
        : [`device ${index}: ${device.invalidFrees} invalid frees`]),
      ...lossOf(run, device, index),
      ...(isCutOff(run)
        ? heldByJournal(run, device, index)
        : memoryOf(run, device, index, keeps(index))),
    ]),
    ...handlesOf(run, keeps),
    ...modelsOf(run),
  ];
}

function lossOf({ acted, fault }, { stickyError }, index) {
  const expected = fault?.kind === 'sticky' && acted?.device === index ? fault.code : 0;
  return stickyError === expected
    ? []
    : [
        `device ${index}: expected ${expected} to be its error for ever, the ledger has ${stickyError}`,
      ];
}

/** The bytes that the report's models still hold there are what the device holds. */
function memoryOf(run, { usedBytes, reservedBytes }, index, keeps) {
  const told = reportedModels(run).reduce((sum, model) => sum + heldOn(run, model, index), 0);
  // A load or an unload outside the registry that was held up is nobody's to report.
  const unreported = keeps && usedBytes > told;
  // What the streams have freed counts once the device has confirmed it, which the fault prevents.
  const unseen = told > usedBytes && mayNotConfirm(run, index);
  if (usedBytes !== told && !unreported && !unseen) {
    return [
      `device ${index}: the models say that they hold ${told} bytes, the ledger ${usedBytes}`,
    ];
  }
  const cleaned = run.code === 0 && told === 0 && !keeps;
  return cleaned && reservedBytes > 0
    ? [`device ${index}: its cache was emptied, and holds ${reservedBytes} bytes`]
    : [];
}

/** It left a journal, and no report. */
export function isCutOff({ last }) {
  return last?.complete === false;
}

function mayNotConfirm({ fault, acted }, index) {
  if (acted?.device !== index) return false;
  const confirms = ['cudaEventRecord', 'cudaEventQuery'].includes(fault.call);
  return fault.kind === 'sticky' || (fault.kind === 'error' && confirms);
}

/** Of a model on one device all that remains; of one that is spread, what its tensors say: it has few. */
function heldOn({ trace }, { name, remainingBytes, remainingTensors }, index) {
  const { bytes } = trace.find(({ operation, model }) => operation === 'loaded' && model === name);
  if (!(index in bytes)) return 0;
  if (Object.keys(bytes).length === 1) return remainingBytes;
  return (remainingTensors?.largest ?? [])
    .filter(({ device }) => device === index)
    .reduce((sum, tensor) => sum + tensor.bytes, 0);
}

/** By a process that was cut off: it held at least what the device holds, at the last line that knew. */
function heldByJournal({ last, acted, fault }, { usedBytes }, index) {
  if (fault.kind === 'hang' && acted?.device === index) return [];
  const held = last.journal.held.find(({ device }) => device === index)?.bytes;
  return held === undefined || held >= usedBytes
    ? []
    : [`device ${index}: by the journal it held ${held} bytes, by the ledger ${usedBytes}`];
}

function handlesOf(run, keeps) {
  if (isCutOff(run)) return [];
  const { ledger, acted } = run;
  const left = leftByRefusal(run);
  const complaints = ledger.devices.flatMap(({ liveStreams, liveEvents }, index) => {
    if (keeps(index)) return [];
    // A model that could not be unloaded keeps its stream and its event.
    const models = reportedModels(run).filter(({ remainingTensors }) =>
      remainingTensors?.largest.some(({ device }) => device === index),
    ).length;
    const here = acted?.device === index ? left : { streams: 0, events: 0 };
    return [
      ...(liveStreams > models + here.streams ? [`device ${index}: ${liveStreams} streams`] : []),
      ...(liveEvents > models + here.events ? [`device ${index}: ${liveEvents} events`] : []),
    ];
  });
  const pinned = ledger.pinnedHostBytes;
  return [0, 1].some(keeps) || pinned <= left.chunks * CHUNK_BYTES
    ? complaints
    : [...complaints, `${pinned} bytes of the host are pinned`];
}

/**
 * Freed and remaining are all that there was, or all that an unload before has left; and it was seen to come
 * back.
 */
function modelsOf(run) {
  return reportedModels(run).flatMap(({ name, freedBytes, remainingBytes, verified }) => {
    const was = bytesOf(run, name);
    return [
      ...(was.includes(freedBytes + remainingBytes)
        ? []
        : [`model ${name}: ${freedBytes} freed and ${remainingBytes} remaining of ${was[0]}`]),
      // What an unload before has freed and could not confirm is not seen to come back in this one.
      ...(verified === false && ![0, 1].some((index) => mayNotConfirm(run, index))
        ? [`model ${name}: the device did not give back what it freed`]
        : []),
    ];
  });
}

/** A model's bytes, as it was loaded and as an unload that failed left it. */
function bytesOf({ trace }, name) {
  return trace.flatMap(({ operation, model, bytes, error }) => {
    if (operation === 'loaded' && model === name) {
      return [Object.values(bytes).reduce((sum, each) => sum + each, 0)];
    }
    const left = operation === `unload ${name}` ? error?.remainingBytes : undefined;
    return left === undefined ? [] : [left];
  });
}

export function reportedModels({ last }) {
  return last?.complete === true ? last.report.models : [];
}
