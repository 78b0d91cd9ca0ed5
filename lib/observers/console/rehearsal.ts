/** Renders a shutdown of nothing, so that the real one finds the code of its lines compiled. */

import { beginLines, stepLines, summaryLines } from './lines.js';
import { render, type Look } from './look.js';
import { layoutOf } from './step-line.js';

const STEP = {
  name: 'step',
  phase: 'service',
  optional: false,
  startMs: 0,
  durationMs: 1,
  deadlineMs: 1,
} as const;
const STEPS = 48;

/** Takes some milliseconds in a turn of the event loop that holds nothing up. */
export function rehearseLinesSoon(look: Look): void {
  setImmediate(rehearse, look).unref();
}

function rehearse(look: Look): void {
  const layout = layoutOf([STEP.name], look.columns);
  const begin = { reason: '', startedAt: new Date(0), timeoutMs: 1, delayMs: 0 };
  render(beginLines({ ...begin, backend: 'none', steps: [] }), look);
  for (let count = 0; count < STEPS; count += 1) {
    render(stepLines({ ...STEP, status: 'ok' }, '', layout), look);
  }
  const report = {
    version: 1,
    reason: '',
    outcome: 'clean',
    exitCode: 0,
    backend: 'none',
    startedAt: '',
    durationMs: 1,
    steps: [{ ...STEP, status: 'ok' }],
    errors: [],
    models: [],
    devices: [],
  } as const;
  render(summaryLines({ ...report, steps: [...report.steps, ...report.steps] }), look);
}
