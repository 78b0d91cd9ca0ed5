// Whether a run was as its fault allows, by rules and not by records. Each rule answers complaints; a run
// without any is explained. Pure.
import { balance, isCutOff, reportedModels } from './balance.mjs';
import { STAGES } from './course.mjs';
import { explains, mayBlock, quiet } from './expected.mjs';

const STEPS = ['app', 'models', 'cuda', 'flush'];
/** These call nothing of the runtime's. */
const OF_THE_SERVICE = ['app', 'flush'];
/** Above the deadline: for the machine to start and stop a process. */
const SLACK_MS = 2000;
const DEADLINE = 124;

/** Answers what came of it, in a word or two, and the complaints. */
export function judge(raw) {
  const run = { ...raw, acted: whenItActed(raw) };
  const complaints = RULES.flatMap((rule) => rule(run));
  return {
    acted: run.acted,
    outcome: complaints.length > 0 ? 'UNEXPLAINED' : outcomeOf(run),
    complaints,
  };
}

function outcomeOf(run) {
  if (run.fault !== undefined && run.acted === undefined) return 'not reached';
  if (run.signal !== null) return 'ended by the signal';
  if (run.code === DEADLINE || isCutOff(run)) return 'ended by the watchdog';
  if (run.code === 1) return 'degraded';
  return operationErrors(run).length > 0 ? 'told the service' : 'clean';
}

/** Its device, and the operation and the stage in which it acted: between two lines of the trace. */
function whenItActed({ trace, ledger }) {
  const device = ledger?.devices.findIndex((one) => one.faultsActed > 0) ?? -1;
  if (device < 0) return undefined;
  const line = trace.find(({ acted }) => (acted[device] ?? 0) > 0) ?? trace.at(-1);
  return { device, stage: line?.stage ?? STAGES.open, operation: line?.operation };
}

const RULES = [
  endsInTime,
  endsByItself,
  saysNothingElse,
  goesAllTheWay,
  codeFitsReport,
  runsEveryStep,
  tellsOnlyTheFault,
  tellsTheFault,
  sparesTheOtherDevice,
  balance,
];

function endsInTime({ endMs, timeoutMs }) {
  return endMs <= timeoutMs + SLACK_MS
    ? []
    : [`it ended ${Math.round(endMs)} ms after the signal, its time was ${timeoutMs}`];
}

function endsByItself({ signal, code, fault, trace }) {
  // Nobody listens to the signal before.
  const installed = trace.some(({ operation }) => operation === 'install');
  if (signal === 'SIGTERM' && fault?.kind === 'hang' && !installed) return [];
  if (signal !== null) return [`it was ended by ${signal}`];
  const codes = { hang: [0, 1, DEADLINE], error: [0, 1], sticky: [0, 1] }[fault?.kind] ?? [0];
  return codes.includes(code) ? [] : [`it ended with ${code}`];
}

/** The watchdog also ends what has come to its exit, and is too slow there. */
function saysNothingElse({ stderr, fault }) {
  const lines = stderr.split('\n').filter((line) => line !== '');
  const strange = lines.filter(
    (line) => fault?.kind !== 'hang' || !line.startsWith('cuda-shutdown: the deadline of '),
  );
  return strange.length === 0 ? [] : [`stderr has: ${strange.join(' | ')}`];
}

/** Only a call that hangs keeps the service from its last operation. */
function goesAllTheWay({ because, fault }) {
  return because === 'ready' || fault?.kind === 'hang' ? [] : [`before the signal, it ${because}`];
}

function codeFitsReport(run) {
  const { code, signal, last, fault } = run;
  if (signal !== null) return [];
  // Of one that has come to its exit, and was too slow there, the watchdog keeps the exit code.
  if (code === DEADLINE || (fault?.kind === 'hang' && isCutOff(run))) {
    const firing = isCutOff(run) ? last.journal.watchdog : last?.watchdog;
    return firing?.exitCode === code ? [] : ['the journal does not have what the watchdog did'];
  }
  if (last?.complete !== true) return ['there is no report'];
  const { report } = last;
  const well = report.steps.every(({ status }) => status === 'ok');
  return [
    ...(report.exitCode === code
      ? []
      : [`the report says that it ended with ${report.exitCode}, it did with ${code}`]),
    ...(well === (code === 0)
      ? []
      : [
          `it ended with ${code}, with steps ${report.steps.map(({ name, status }) => `${name} ${status}`).join(', ')}`,
        ]),
    ...(report.outcome === (well ? 'clean' : 'degraded')
      ? []
      : [`its outcome is ${report.outcome}`]),
  ];
}

/** What could still run did run, and where nothing hung, to its end. */
function runsEveryStep(run) {
  const { last, fault } = run;
  if (isCutOff(run) && !mayBlock(run)) return ['the watchdog ended it, where nothing blocked'];
  if (last?.complete !== true) return [];
  const { steps, errors } = last.report;
  const may = fault?.kind === 'hang' ? ['ok', 'failed', 'timed-out'] : ['ok', 'failed'];
  return [
    ...(steps.map(({ name }) => name).join() === STEPS.join() ? [] : ['its steps are others']),
    ...steps
      .filter(
        ({ name, status }) => !(OF_THE_SERVICE.includes(name) ? ['ok'] : may).includes(status),
      )
      .map(({ name, status }) => `the step ${name} is ${status}`),
    // A step that is not well says why.
    ...steps
      .filter(({ name, status }) => (status === 'ok') === errors.some(({ step }) => step === name))
      .map(({ name }) => `the step ${name} and its errors contradict each other`),
  ];
}

function tellsOnlyTheFault(run) {
  const strange = [...operationErrors(run), ...reportErrors(run)].filter(
    ({ text }) => !explains(run, text),
  );
  return strange.map(({ where, text }) => `the fault does not explain what ${where} says: ${text}`);
}

function tellsTheFault(run) {
  const { acted, fault, code } = run;
  if (acted === undefined || fault.kind === 'hang' || code === DEADLINE) return [];
  const told = operationErrors(run).length + reportErrors(run).length > 0;
  return told || quiet(run) !== undefined
    ? []
    : [`nobody is told of the fault, which acted in ${acted.operation} (${acted.stage})`];
}

/** Only what is on the fault's own device may suffer. */
function sparesTheOtherDevice(run) {
  const { acted, last, trace } = run;
  if (acted === undefined || last?.complete !== true) return [];
  const there = new Set(
    trace
      .filter(({ operation, bytes }) => operation === 'loaded' && acted.device in bytes)
      .map(({ model }) => model),
  );
  const cleaned = last.report.steps.find(({ name }) => name === 'cuda')?.details?.devices ?? [];
  return [
    ...reportedModels(run)
      .filter(({ name, status }) => status === 'failed' && !there.has(name))
      .map(({ name }) => `the model ${name}, which is elsewhere, was not unloaded`),
    ...cleaned
      .filter(({ index, errors }) => index !== acted.device && errors.length > 0)
      .map(({ index }) => `device ${index}, another one, was not cleaned up`),
  ];
}

function operationErrors({ trace }) {
  return trace
    .filter(({ error }) => error !== undefined)
    .flatMap(({ operation, error }) =>
      leaves(error).map((one) => ({ where: operation, text: textOf(one) })),
    );
}

function reportErrors({ last }) {
  const errors = last === undefined ? [] : last.complete ? last.report.errors : last.journal.errors;
  return errors.map((error) => ({ where: `the report (${error.step})`, text: textOf(error) }));
}

function leaves(error) {
  return error.errors === undefined ? [error] : error.errors.flatMap(leaves);
}

function textOf({ message, cause }) {
  const because = cause === undefined ? '' : typeof cause === 'string' ? cause : textOf(cause);
  return because === '' ? message : `${message}: ${because}`;
}
