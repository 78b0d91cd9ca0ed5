// docs/benchmarks.md: the table, and behind it what bench/notes.md says about its rows.
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import path from 'node:path';
import { format, resolveConfig } from 'prettier';

const notes = path.join(import.meta.dirname, 'notes.md');
const document = path.join(import.meta.dirname, '../docs/benchmarks.md');

const COLUMNS = ['benchmark', 'what', 'ours', 'reference', 'ratio', 'p10–p90', 'rounds'];

export function describeMachine() {
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const date = new Date().toISOString().slice(0, 10);
  return (
    `Node ${process.version}, ${availableParallelism()} × ${cpus()[0]?.model.trim()}, ${memory}, ` +
    `${date}, load ${loadNow()} at the beginning`
  );
}

export function loadNow() {
  return loadavg()[0].toFixed(1);
}

export function tableOf(rows) {
  const lines = [COLUMNS, COLUMNS.map(() => '-'), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** The benchmarks about which the notes have a section. */
export function headings() {
  return [...readFileSync(notes, 'utf8').matchAll(/^### (\S+)$/gm)].map(([, name]) => name);
}

export async function writeDocument({ machine, table }) {
  const text = `# Benchmarks

<!-- Written by \`npm run bench -- --write\`: the texts behind the table are those of bench/notes.md. -->

\`npm run bench\` runs all of it; \`--only NAME\` one benchmark, \`--quick\` few rounds. Ours and the
reference run in turn in the same rounds, so that what else the machine does meets both alike. \`ours\`
and \`reference\` are medians; \`ratio\` is the median of ours to the reference's, round by round, and
\`p10–p90\` its spread. Less is better in every row: below 1, ours is ahead. A ratio in bold is above 1 in
nine of ten rounds. Rows without a reference have the spread of the value itself.

${machine}.

${table}

${readFileSync(notes, 'utf8').replace(/^<!--.*?-->\s*/s, '')}`;
  const options = await resolveConfig(document);
  writeFileSync(document, await format(text, { ...options, filepath: document }));
}
