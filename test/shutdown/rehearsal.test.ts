import { afterEach, expect, jest, test } from '@jest/globals';
import { rehearseSoon } from '../../lib/shutdown/rehearsal.js';
import type { ShutdownReport } from '../../lib/shutdown/report.js';
import { Run } from '../../lib/shutdown/run.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const begin = jest.spyOn(Run.prototype, 'begin');

afterEach(() => {
  begin.mockClear();
});

/** What a run could leave behind in the process. */
function traces(): unknown {
  return {
    exitCode: process.exitCode,
    listeners: process.eventNames().map((name) => [name, process.listenerCount(name)]),
    stdio: [process.stdout, process.stderr].map((stream) => stream.listenerCount('error')),
  };
}

function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
}

test('runs a shutdown of nothing to its end, and leaves nothing behind', async () => {
  const before = traces();
  const timersBefore = timers();
  rehearseSoon();
  await turn();
  await turn();
  expect(traces()).toEqual(before);
  // Jest's own may have fired meanwhile.
  expect(timers()).toBeLessThanOrEqual(timersBefore);
  expect(begin).toHaveBeenCalledTimes(1);
  const report = (await begin.mock.results[0]?.value) as ShutdownReport;
  expect(report).toMatchObject({ outcome: 'clean', errors: [] });
  expect(report.steps[0]).toMatchObject({ name: 'rehearsal 0', status: 'ok' });
});

test('does not run once it is called off', async () => {
  rehearseSoon()();
  await turn();
  await turn();
  expect(begin).not.toHaveBeenCalled();
});
