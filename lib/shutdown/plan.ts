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

interface Planned {
  readonly step: ResolvedStep;
  readonly phase: Phase;
}

/** @throws RangeError for an unknown name in an `after`, and for a cycle. */
export function planSteps(steps: Iterable<ResolvedStep>): Plan {
  const byName = new Map([...steps].map((step) => [step.name, step]));
  // A step is planned after those that it needs: the map's order is one to run in.
  const planned = new Map<string, Planned>();
  for (const step of byName.values()) planWithNeeds(step, byName, planned);
  return [...planned.values()]
    .sort((a, b) => PHASES.indexOf(a.phase) - PHASES.indexOf(b.phase))
    .map(({ step, phase }) => ({
      step,
      phase,
      needs: step.after.filter((before) => planned.get(before)?.phase === phase),
    }));
}

/**
 * Checks a step that comes to steps which can be planned already: none of them comes after it.
 * @throws RangeError as `planSteps` does.
 */
export function checkAdded(step: ResolvedStep, present: ReadonlyMap<string, ResolvedStep>): void {
  for (const name of step.after) {
    if (name === step.name) throw cycle([name, name]);
    if (!present.has(name)) throw unknown(step.name, name);
  }
}

/** Depth first, and without recursion: a chain of steps may be longer than the stack is deep. */
function planWithNeeds(
  first: ResolvedStep,
  byName: ReadonlyMap<string, ResolvedStep>,
  planned: Map<string, Planned>,
): void {
  // From `first` down to the step that is looked at, each with its needs that are still to be.
  const path: { readonly step: ResolvedStep; readonly open: string[] }[] = [];
  const onPath = new Set<string>();
  const enter = (step: ResolvedStep): void => {
    path.push({ step, open: step.after.toReversed() });
    onPath.add(step.name);
  };
  if (!planned.has(first.name)) enter(first);
  for (let entry = path.at(-1); entry !== undefined; entry = path.at(-1)) {
    const { step, open } = entry;
    const name = open.pop();
    if (name === undefined) {
      planned.set(step.name, { step, phase: phaseOf(step, planned) });
      path.pop();
      onPath.delete(step.name);
    } else if (onPath.has(name)) {
      const names = [...onPath];
      throw cycle([...names.slice(names.indexOf(name)), name]);
    } else if (!planned.has(name)) {
      const before = byName.get(name);
      if (before === undefined) throw unknown(step.name, name);
      enter(before);
    }
  }
}

/** The latest of its own and those of the steps that it comes after. */
function phaseOf(step: ResolvedStep, planned: ReadonlyMap<string, Planned>): Phase {
  return step.after.reduce<Phase>(
    (phase, name) => laterOf(phase, planned.get(name)?.phase ?? phase),
    step.phase,
  );
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
