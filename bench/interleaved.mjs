// Times contenders in turn, so that what else the machine does meets all of them alike, and prints
// each beside the first.
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';

/** The rounds to run: `--rounds N`. */
export function roundsFromArguments(standard) {
  const { values } = parseArgs({ options: { rounds: { type: 'string' } } });
  const rounds = Number(values.rounds ?? standard);
  if (Number.isInteger(rounds) && rounds > 0) return rounds;
  throw new RangeError(`Expected --rounds to be a positive integer, got ${values.rounds}`);
}

/**
 * @param {Record<string, () => Promise<number>>} contenders Each answers the milliseconds it took;
 * the first is the reference.
 */
export async function timeInterleaved(title, contenders, rounds) {
  const times = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, time] of Object.entries(contenders)) times[name].push(await time());
  }
  print(title, times, rounds);
  return times;
}

/** Of the sorted values. */
export function quantile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

function print(title, times, rounds) {
  const machine = `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}, load ${loadavg()[0].toFixed(1)}`;
  console.log(`\n${title} (${rounds} rounds, interleaved; ${machine})`);
  const [reference] = Object.values(times);
  const table = Object.entries(times).map(([name, values]) => {
    const median = quantile(values, 0.5);
    const beside = values.map((value, round) => value - reference[round]);
    return {
      contender: name,
      'median ms': rounded(median),
      'p10–p90 ms': `${rounded(quantile(values, 0.1))}–${rounded(quantile(values, 0.9))}`,
      'ratio of medians': rounded(median / quantile(reference, 0.5)),
      'median beside it, ms': rounded(quantile(beside, 0.5)),
    };
  });
  console.table(Object.fromEntries(table.map(({ contender, ...row }) => [contender, row])));
}

function rounded(value) {
  return Number(value.toFixed(2));
}
