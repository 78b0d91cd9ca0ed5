// SIGTERM while a run blocks JavaScript: the run ends first where there is time, else the watchdog acts.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { writeProducts } from './models/onnx.mjs';
import { makeFolder, run } from './support.mjs';

const folder = makeFolder();
const blocked = path.join(import.meta.dirname, 'blocked.mjs');

function ended(file, timeoutMs) {
  return run([blocked, file, String(timeoutMs)], { signal: 'SIGTERM', when: 'working' });
}

test('the run ends within the time: it is answered, and the end is clean', async () => {
  const file = path.join(folder, 'second.onnx');
  writeProducts(file, { size: 512, steps: 150 });
  const { end, told, stderr } = await ended(file, 60_000);
  assert.deepEqual(end, [0, null], stderr);
  assert.equal(Math.round(told), 1);
});

test('the run goes on: the watchdog ends the process at the deadline', async () => {
  const file = path.join(folder, 'minute.onnx');
  writeProducts(file, { size: 512, steps: 8000 });
  const { end, told, stderr, msFromSignal } = await ended(file, 1000);
  assert.deepEqual(end, [124, null], stderr);
  assert.equal(told, undefined);
  assert.match(stderr, /pending: no step \(an exit listener, or native code\)/u);
  console.log(
    `ended ${Math.round(msFromSignal)} ms after SIGTERM, with a limit of 1000 ms:\n${stderr}`,
  );
});
