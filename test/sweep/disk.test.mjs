// The life of the sweep, with the n-th write, sync, opening or renaming of its report and journal failing:
// the shutdown ends as it would have, says what it could not write, and what it has written is whole.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makeWorkshop } from './run.mjs';

const source = fileURLToPath(new URL('disk.c', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'cuda-shutdown-disk-'));
const library = path.join(folder, 'disk.so');
const workshop = makeWorkshop();
before(() => {
  execFileSync('gcc', ['-shared', '-fPIC', '-o', library, source, '-ldl']);
});
after(() => {
  workshop.close();
  rmSync(folder, { recursive: true, force: true });
});

const NOT_WRITTEN = /The (report|journal) could not be written/g;

for (const call of ['open', 'write', 'fsync', 'rename']) {
  test(`each ${call} that fails`, async () => {
    let nth = 1;
    while (await actsAndIsTold(call, nth % 2 === 0 ? 'EIO' : 'ENOSPC', nth)) nth += 1;
    assert.ok(nth > 1, 'it was never called');
  });
}

/** False where there is no n-th call. */
async function actsAndIsTold(call, error, nth) {
  const acted = path.join(folder, `${call}-${error}-${nth}`);
  const run = await workshop.run({
    shown: true,
    environment: (reports) => ({
      LD_PRELOAD: library,
      FAIL_CALL: call,
      FAIL_NTH: String(nth),
      FAIL_ERRNO: String(constants.errno[error]),
      FAIL_FOLDER: reports,
      FAIL_ACTED: acted,
    }),
  });
  const where = `the ${nth}th ${call}: ${run.stderr}`;
  assert.deepEqual([run.code, run.signal], [0, null], where);
  assert.equal(
    run.ledger.devices.reduce((sum, { usedBytes }) => sum + usedBytes, 0),
    0,
    where,
  );
  const told = new Set([...run.stderr.matchAll(NOT_WRITTEN)].map(([, what]) => what));
  const isComplete = run.last?.complete === true;
  if (!existsSync(acted)) {
    assert.deepEqual([[...told], isComplete], [[], true], where);
    return false;
  }
  assert.equal(told.size, 1, where);
  assert.match(run.stderr, new RegExp(error), where);
  // Half a report stays nowhere, and where there is none, the journal has all of it.
  assert.deepEqual(
    run.left.filter((name) => name.endsWith('.tmp')),
    [],
    where,
  );
  if (isComplete) {
    assert.equal(run.last.report.exitCode, 0, where);
    // It was written after the journal had failed, and says so.
    const errors = run.last.report.errors.map(({ step }) => step);
    assert.ok(told.has('report') || errors.includes('(observer)') || call !== 'open', where);
  } else {
    assert.deepEqual([...told], ['report'], where);
    assert.deepEqual(run.last.journal.end, { outcome: 'clean', exitCode: 0 }, where);
  }
  return true;
}
