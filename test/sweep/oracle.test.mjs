// The oracle finds what a run that lies would hide.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { judge } from './oracle.mjs';
import { faultOf } from './plan.mjs';
import { makeWorkshop } from './run.mjs';

const workshop = makeWorkshop();
after(() => workshop.close());

const runs = {};
before(async () => {
  const faults = { refused: 'cudaFreeAsync#20@1=error:1', lost: 'cudaMemcpyAsync#3@0=sticky:700' };
  runs.clean = await workshop.run({});
  for (const [name, text] of Object.entries(faults)) {
    runs[name] = await workshop.run({ fault: faultOf(text) });
  }
});

test('a run as it was is explained', () => {
  for (const run of Object.values(runs)) assert.deepEqual(judge(run).complaints, []);
  assert.deepEqual(
    Object.values(runs).map((run) => judge(run).outcome),
    ['clean', 'degraded', 'degraded'],
  );
});

const device = (run, index) => run.ledger.devices[index];
const step = (run, name) => run.last.report.steps.find((one) => one.name === name);
const LIES = [
  ['clean', 'another exit code', (run) => (run.code = 1)],
  ['clean', 'an end by a crash', (run) => ([run.code, run.signal] = [null, 'SIGSEGV'])],
  ['clean', 'an end that is late', (run) => (run.endMs = run.timeoutMs + 5000)],
  ['clean', 'an unhandled rejection', (run) => (run.stderr = 'Error: nobody caught it\n')],
  ['clean', 'a stop before it was ready', (run) => (run.because = 'ended')],
  ['clean', 'no report', (run) => (run.last = undefined)],
  ['clean', 'a step that was skipped', (run) => (step(run, 'flush').status = 'skipped')],
  ['clean', 'a step that is missing', (run) => run.last.report.steps.pop()],
  ['clean', 'a byte that is still held', (run) => (device(run, 0).usedBytes = 1)],
  ['clean', 'a block that was freed twice', (run) => (device(run, 1).invalidFrees = 1)],
  ['clean', 'a stream that is left', (run) => (device(run, 1).liveStreams = 1)],
  ['clean', 'pinned memory that is left', (run) => (run.ledger.pinnedHostBytes = 4096)],
  ['clean', 'a cache that is not empty', (run) => (device(run, 0).reservedBytes = 4096)],
  ['clean', 'bytes that are nowhere', (run) => (run.last.report.models[0].freedBytes -= 1)],
  ['clean', 'a fault that was never set', (run) => (device(run, 0).stickyError = 700)],
  [
    'refused',
    'an error of something else',
    (run) => {
      const [error] = run.last.report.errors;
      error.message = 'cudaFree on device 1 failed with cudaErrorInvalidValue (1)';
      delete error.cause;
    },
  ],
  [
    'refused',
    'a failure that is not told',
    (run) => {
      run.last.report.errors = [];
      step(run, 'models').status = 'ok';
      run.last.report.outcome = 'clean';
      run.code = run.last.report.exitCode = 0;
    },
  ],
  ['refused', 'a block that is held and not told', (run) => (device(run, 1).usedBytes += 4096)],
  ['lost', 'a loss of the other device', (run) => (device(run, 1).stickyError = 700)],
  [
    'lost',
    'a model that is elsewhere and stayed',
    (run) => (run.last.report.models.find(({ name }) => name === 'b').status = 'failed'),
  ],
];

for (const [name, lie, tell] of LIES) {
  test(`${name}, with ${lie}, is not`, () => {
    const run = structuredClone(runs[name]);
    tell(run);
    assert.notDeepEqual(judge(run).complaints, []);
  });
}
