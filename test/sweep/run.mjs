// One life of the scenario in a process of its own, and all that is left of it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readLastShutdown } from '../../dist/index.js';
import { readLedger, simulatedEnvironment } from '../../dist/testing/index.js';
import { writeModelFile } from '../../bench/model-file.mjs';

const SCENARIO = fileURLToPath(new URL('scenario.mjs', import.meta.url));
const TENSORS = { a: 24, b: 24, c: 16, d: 8, e: 8 };
const TENSOR_BYTES = 4096;

/** Of the shutdown. Where nothing hangs, a machine that is busy must not be taken for it. */
const TIMEOUT_MS = { hang: 4000, otherwise: 8000 };
/** A life that a call holds up is told to end when it has stood still for so long. */
const STALL_MS = 400;
const LOOK_MS = 40;
/** Behind the deadline: it did not end by itself. */
const KILL_MS = 8000;

/** A folder for all runs, with the models' files. */
export function makeWorkshop() {
  const folder = mkdtempSync(path.join(tmpdir(), 'cuda-shutdown-sweep-'));
  const files = {};
  for (const [name, tensors] of Object.entries(TENSORS)) {
    files[name] = path.join(folder, `${name}.safetensors`);
    writeModelFile(files[name], tensors, TENSOR_BYTES);
  }
  let runs = 0;
  return {
    run: (options) => runIn(path.join(folder, `run-${(runs += 1)}`), files, options),
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/**
 * @param fault as faultOf() makes it, or undefined
 * @param environment more of it, by the folder of the reports
 * @param shown whether the shutdown is shown on stderr
 */
async function runIn(folder, files, { fault, environment = () => ({}), shown = false }) {
  mkdirSync(folder);
  const inside = (name) => path.join(folder, name);
  const [trace, ledger, reports] = ['trace', 'ledger', 'reports'].map(inside);
  const timeoutMs = fault?.kind === 'hang' ? TIMEOUT_MS.hang : TIMEOUT_MS.otherwise;
  const argument = JSON.stringify({ folder: reports, trace, files, timeoutMs, shown });
  const child = spawn(process.execPath, [SCENARIO, argument], {
    env: {
      ...simulatedEnvironment({ devices: 2, faults: fault?.text ?? '', ledger }),
      NODE_OPTIONS: '',
      ...environment(reports),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  const ended = Promise.all([once(child, 'exit'), once(child.stderr, 'close')]);

  const readTrace = () => (existsSync(trace) ? readFileSync(trace, 'utf8') : '');
  const acted = () => {
    try {
      return readLedger(ledger).devices.some((one) => one.faultsActed > 0);
    } catch {
      return false; // It is being made.
    }
  };
  const waiting = new AbortController();
  const because = await Promise.race([
    once(child.stdout, 'data').then(() => 'ready'),
    ended.then(() => 'ended'),
    ...(fault?.kind === 'hang' ? [standsStill(readTrace, acted, waiting.signal)] : []),
  ]);
  waiting.abort();
  const signalledAt = performance.now();
  child.kill('SIGTERM');
  const limit = setTimeout(() => child.kill('SIGKILL'), timeoutMs + KILL_MS);
  const [[code, signal]] = await ended;
  clearTimeout(limit);

  const result = {
    fault,
    timeoutMs,
    because,
    code,
    signal,
    stderr,
    endMs: performance.now() - signalledAt,
    trace: readTrace()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line)),
    last: await readLastShutdown(reports),
    left: existsSync(reports) ? readdirSync(reports) : [],
    ledger: existsSync(ledger) ? readLedger(ledger) : undefined,
  };
  rmSync(folder, { recursive: true, force: true });
  return result;
}

async function standsStill(readTrace, acted, signal) {
  let before = '';
  let since = performance.now();
  while (!signal.aborted) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    const now = readTrace();
    if (now !== before || !acted()) [before, since] = [now, performance.now()];
    if (performance.now() - since > STALL_MS) return 'stood still';
  }
  return 'ended';
}
