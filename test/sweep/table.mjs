// The table of a sweep: function by effect, how many runs, what came of them, the slowest end.

/** @param results of { fault, outcome, endMs } */
export function table(results) {
  const rows = new Map();
  for (const { fault, outcome, endMs } of results) {
    const key = `${fault.call} ${fault.effect}`;
    const row = rows.get(key) ?? { fault, runs: 0, outcomes: new Map(), slowestMs: 0 };
    row.runs += 1;
    row.outcomes.set(outcome, (row.outcomes.get(outcome) ?? 0) + 1);
    row.slowestMs = Math.max(row.slowestMs, endMs);
    rows.set(key, row);
  }
  const lines = [...rows.values()].map(({ fault, runs, outcomes, slowestMs }) => [
    fault.call,
    fault.effect,
    String(runs),
    [...outcomes].map(([outcome, count]) => `${count} ${outcome}`).join(', '),
    `${Math.round(slowestMs)} ms`,
  ]);
  return aligned([['function', 'effect', 'runs', 'outcomes', 'slowest end'], ...lines]);
}

function aligned(lines) {
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** All outcomes together, the most frequent first. */
export function totals(results) {
  const counts = new Map();
  for (const { outcome } of results) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([outcome, count]) => `${count} ${outcome}`)
    .join(', ');
}
