// All benchmarks, as one table: `npm run bench`.
//   --only NAME   one of them, also more than once
//   --quick       few rounds: to see that it runs
//   --write       writes docs/benchmarks.md, with what bench/notes.md says about the rows
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { describeMachine, headings, loadNow, tableOf, writeDocument } from './document.mjs';
import { cellsOf, faultOf } from './rows.mjs';

const BENCHMARKS = [
  'exit',
  'import',
  'memory',
  'steps',
  'models',
  'load',
  'unload',
  'abort',
  'loop-delay',
  'lease',
  'watchdog',
];

function options() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true },
      quick: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
    },
  });
  const names = values.only ?? BENCHMARKS;
  const unknown = names.find((name) => !BENCHMARKS.includes(name));
  if (unknown !== undefined) {
    throw new RangeError(`Expected --only to be one of ${BENCHMARKS.join(', ')}, got ${unknown}`);
  }
  if (values.write && values.only !== undefined) {
    throw new RangeError('Expected --write without --only: the document is of all rows');
  }
  return { names, quick: values.quick, write: values.write };
}

async function rowsOf(name, quick) {
  const folder = mkdtempSync(path.join(tmpdir(), 'cuda-shutdown-bench-'));
  try {
    const { env = {} } = await import(`./${name}.mjs`);
    const worker = fork(
      path.join(import.meta.dirname, 'worker.mjs'),
      [name, JSON.stringify({ quick, folder })],
      { env: { ...process.env, ...env } },
    );
    const ended = once(worker, 'exit').then(([code, signal]) => {
      throw new Error(`The benchmark ${name} ended without rows (${code ?? signal})`);
    });
    ended.catch(() => undefined);
    const [rows] = await Promise.race([once(worker, 'message'), ended]);
    return rows;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const { names, quick, write } = options();
const before = describeMachine();
const printed = [];
const behind = new Set();
for (const name of names) {
  process.stderr.write(`${name} …\n`);
  for (const row of await rowsOf(name, quick)) {
    const shown = cellsOf(name, row);
    printed.push(shown.cells);
    if (shown.behind) behind.add(name);
    const fault = faultOf(row);
    if (fault !== undefined) {
      console.error(fault);
      process.exitCode = 1;
    }
  }
}
const machine = `${before}, load ${loadNow()} at the end${quick ? '; few rounds (`--quick`)' : ''}`;
console.log(`${machine}\n\n${tableOf(printed)}`);
const untold = [...behind].filter((name) => !headings().includes(name));
if (write && untold.length > 0) {
  console.error(`Expected bench/notes.md to say why a peer is ahead in: ${untold.join(', ')}`);
  process.exitCode = 1;
}
if (write) await writeDocument({ machine, table: tableOf(printed) });
