/** The order of the steps: pure. */

import { expected } from '../common/expected.js';
import type { Phase } from './events.js';
import { PHASES, type ResolvedStep } from './step.js';

export interface PlanEntry {
  readonly step: ResolvedStep;
  /** The step's own phase, or the later one of a step that it comes after. */
  readonly phase: Phase;
  /** The steps of the same phase that must have ended first. */
  readonly needs: readonly string[];
}

/** In an order in which every step stands behind those that it needs, phase by phase. */
export type Plan = readonly PlanEntry[];

/** @throws RangeError for an unknown name in an `after`, and for a cycle. */
export function planSteps(steps: Iterable<ResolvedStep>): Plan {
  const byName = new Map([...steps].map((step) => [step.name, step]));
  const planned = new Map<string, { readonly step: ResolvedStep; readonly phase: Phase }>();
  const path: string[] = [];

  const phaseOf = (step: ResolvedStep): Phase => {
    const known = planned.get(step.name);
    if (known !== undefined) return known.phase;
    if (path.includes(step.name)) throw cycle([...path.slice(path.indexOf(step.name)), step.name]);
    path.push(step.name);
    let { phase } = step;
    for (const name of step.after) {
      const before = byName.get(name);
      if (before === undefined) throw unknown(step.name, name);
      phase = laterOf(phase, phaseOf(before));
    }
    path.pop();
    planned.set(step.name, { step, phase });
    return phase;
  };

  for (const step of byName.values()) phaseOf(step);
  // A step is planned after those that it needs: the map's order is one to run in.
  return [...planned.values()]
    .sort((a, b) => PHASES.indexOf(a.phase) - PHASES.indexOf(b.phase))
    .map(({ step, phase }) => ({
      step,
      phase,
      needs: step.after.filter((before) => planned.get(before)?.phase === phase),
    }));
}

function laterOf(a: Phase, b: Phase): Phase {
  return PHASES.indexOf(a) < PHASES.indexOf(b) ? b : a;
}

function unknown(step: string, name: string): RangeError {
  return new RangeError(
    expected(
      `the \`after\` option of the step \`${step}\``,
      'names of steps that were added',
      name,
    ),
  );
}

function cycle(path: readonly string[]): RangeError {
  return new RangeError(expected('the order of the steps', 'without a cycle', path.join(' → ')));
}
