// The service that all ways of deploying run.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { deploy, environment, makeFolder, reports, root, start } from './support.mjs';

const command = [process.execPath, path.join(deploy, 'service.mjs')];

test('it serves, answers its probes, and ends well', { timeout: 60_000 }, async () => {
  const folder = makeFolder();
  const service = start(command, { env: environment(folder) });
  const { port, health } = await service.serving();
  const answer = await fetch(`http://127.0.0.1:${port}/`);
  assert.equal(await answer.text(), 'model: 8192 bytes on device 0\n');
  for (const probe of ['livez', 'readyz', 'metrics']) {
    assert.equal((await fetch(`http://127.0.0.1:${health}/${probe}`)).status, 200);
  }
  service.child.kill('SIGTERM');
  assert.deepEqual({ ...(await service.ended), said: '' }, { code: 0, signal: null, said: '' });
  const [report] = reports(folder);
  assert.equal(report.reason, 'SIGTERM');
  assert.deepEqual(
    report.models.map(({ status, freedBytes }) => [status, freedBytes]),
    [['unloaded', 8192]],
  );
});

test('a signal during the load ends it well', { timeout: 60_000 }, async () => {
  const folder = makeFolder();
  const env = environment(folder, { faults: 'cudaMemcpyAsync=hang' });
  const service = start(command, { env });
  // Nothing tells from outside that the load has begun; whenever the signal comes, the end is the same.
  await sleep(1500);
  service.child.kill('SIGTERM');
  const end = await service.ended;
  assert.deepEqual([end.code, end.signal], [0, null], end.said);
});

test('the short script serves and ends well', { timeout: 60_000 }, async () => {
  const env = environment(makeFolder());
  const script = path.join(root, 'examples', 'shutdown.mjs');
  const service = start([process.execPath, script, env.MODEL], { env });
  const url = await service.line(/http:\/\/localhost:\d+/u);
  assert.equal(await (await fetch(url)).text(), 'model: 8192 bytes on device 0\n');
  service.child.kill('SIGTERM');
  const end = await service.ended;
  assert.deepEqual([end.code, end.signal], [0, null], end.said);
});
