/** The report as text: pure. The details of the steps may be anything, and must not cost the report. */

import type { ShutdownReport } from '../shutdown/report.js';

export function reportJson(report: ShutdownReport): string {
  try {
    return stringify(report);
  } catch {
    // A `toJSON` or a getter inside the details threw.
    const steps = report.steps.map((step) =>
      'details' in step ? { ...step, details: tryStringify(step.details) } : step,
    );
    return stringify({ ...report, steps, models: [] });
  }
}

function stringify(value: unknown): string {
  return `${JSON.stringify(value, replacer(), 2)}\n`;
}

function tryStringify(details: unknown): unknown {
  try {
    return JSON.parse(stringify(details)) as unknown;
  } catch {
    return '(could not be turned into JSON)';
  }
}

/** What JSON has no form for is written as text; an object inside itself is cut there. */
function replacer(): (this: unknown, key: string, value: unknown) => unknown {
  const path: unknown[] = [];
  return function (key, value) {
    if (typeof value === 'bigint') return value.toString();
    if (typeof value === 'function' || typeof value === 'symbol') return undefined;
    if (typeof value !== 'object' || value === null) return value;
    // `this` holds the key: everything on the path behind it has been left.
    while (path.length > 0 && path.at(-1) !== this) path.pop();
    if (path.includes(value)) return '(circular)';
    const plain = plainOf(value);
    path.push(plain);
    return plain;
  };
}

function plainOf(value: object): object {
  if (value instanceof Error) return { name: value.name, message: value.message };
  if (value instanceof Map) return Object.fromEntries(value) as object;
  if (value instanceof Set) return [...value] as unknown[];
  return value;
}
