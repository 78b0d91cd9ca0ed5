// The unit, by systemd's own check, and its times.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { makeFolder, MARGIN_MS, text } from './support.mjs';

const unit = text('systemd', 'inference.service');

function setting(name) {
  return new RegExp(`^${name}=(.*)$`, 'mu').exec(unit)?.[1];
}

test('systemd-analyze finds nothing', () => {
  const file = path.join(makeFolder(), 'inference.service');
  // It looks whether what is started is there.
  writeFileSync(file, unit.replace('/usr/bin/node', process.execPath));
  const { status, stderr, error } = spawnSync('systemd-analyze', ['verify', '--man=no', file], {
    encoding: 'utf8',
  });
  assert.deepEqual({ status, stderr, error }, { status: 0, stderr: '', error: undefined });
});

test('its check can fail', () => {
  const file = path.join(makeFolder(), 'inference.service');
  writeFileSync(file, unit.replace('Type=notify', 'Typ=notify'));
  const { stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], {
    encoding: 'utf8',
  });
  assert.match(stderr, /Unknown key.* 'Typ'/u);
});

test('the main process is told of and stopped in time', () => {
  assert.equal(setting('Type'), 'notify');
  const timeoutMs = Number(/SHUTDOWN_TIMEOUT_MS=(\d+)/u.exec(unit)[1]);
  assert.ok(Number(setting('TimeoutStopSec')) * 1000 >= timeoutMs + MARGIN_MS);
});
