// Runs contenders in turn, so that what else the machine does meets all of them alike.

/**
 * What each contender took in each of the rounds, behind `warmUps` that count for nothing.
 *
 * @param {Record<string, () => number | Promise<number>>} contenders
 * @returns {Promise<Record<string, number[]>>}
 */
export async function interleaved(contenders, rounds, warmUps = 1) {
  const took = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  for (let round = -warmUps; round < rounds; round += 1) {
    for (const [name, run] of Object.entries(contenders)) {
      const value = await run();
      if (round >= 0) took[name].push(value);
    }
  }
  return took;
}

/** Of values in any order. */
export function quantile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}
