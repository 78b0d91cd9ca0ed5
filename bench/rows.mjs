// Rows of the one table. In all of them less is better, so that a ratio above 1 is a peer ahead.
import { quantile } from './interleaved.mjs';

/**
 * @typedef {object} Row
 * @property {string} what
 * @property {string} unit
 * @property {number[]} ours A value for each round.
 * @property {{ name: string, values: number[] }} [reference] Of the same rounds.
 * @property {number} [p99AtMost] A bound that the row has to keep.
 */

/** A row against each of the references. @returns {Row[]} */
export function rowsAgainst(what, unit, ours, references) {
  return Object.entries(references).map(([name, values]) => {
    if (values.length !== ours.length) throw new Error(`Expected ${name} to have as many rounds`);
    return { what, unit, ours, reference: { name, values } };
  });
}

/** A row without a reference. @returns {Row} */
export function rowAlone(what, unit, ours, bound = {}) {
  return { what, unit, ours, ...bound };
}

/** What is wrong with the row; undefined where nothing is. */
export function faultOf({ what, unit, ours, p99AtMost = Infinity }) {
  const p99 = quantile(ours, 0.99);
  if (p99 <= p99AtMost) return undefined;
  return `Expected the p99 of \`${what}\` to be at most ${p99AtMost} ${unit}, got ${significant(p99)}`;
}

/** The cells of a row as they are printed; `behind` where nine of ten rounds say so. */
export function cellsOf(benchmark, { what, unit, ours, reference }) {
  const shown = (value) => `${significant(value)} ${unit}`;
  const median = shown(quantile(ours, 0.5));
  const rounds = String(ours.length);
  if (reference === undefined) {
    return { cells: [benchmark, what, median, '', '', spread(ours, unit), rounds], behind: false };
  }
  const ratios = ours.map((value, round) => value / reference.values[round]);
  const behind = quantile(ratios, 0.1) > 1;
  const ratio = significant(quantile(ratios, 0.5));
  return {
    cells: [
      benchmark,
      what,
      median,
      `${reference.name}: ${shown(quantile(reference.values, 0.5))}`,
      behind ? `**${ratio}**` : ratio,
      spread(ratios, ''),
      rounds,
    ],
    behind,
  };
}

function spread(values, unit) {
  const [low, high] = [0.1, 0.9].map((share) => significant(quantile(values, share)));
  return `${low}–${high} ${unit}`.trim();
}

/** Three digits, and thousands set apart. */
function significant(value) {
  const size = Math.abs(value);
  const digits = size === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(size)));
  return value.toLocaleString('en', {
    minimumFractionDigits: Math.min(digits, 3),
    maximumFractionDigits: Math.min(digits, 3),
  });
}
