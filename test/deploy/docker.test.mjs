// The Dockerfile: linted, its entry point run as process 1 of a PID namespace.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { DockerfileParser } from 'dockerfile-ast';
import { validate } from 'dockerfile-utils';
import { deploy, environment, makeFolder, MARGIN_MS, reports, start, text } from './support.mjs';

const dockerfile = text('docker', 'Dockerfile');
const parsed = DockerfileParser.parse(dockerfile);
const last = (keyword) =>
  parsed.getInstructions().findLast((each) => each.getKeyword() === keyword);

test('the linter finds nothing', () => {
  const found = validate(dockerfile).map(({ range, message }) => [range.start.line + 1, message]);
  assert.deepEqual(found, []);
});

test('the linter can find something', () => {
  assert.notDeepEqual(validate(dockerfile.replace('STOPSIGNAL SIGTERM', 'STOPSIGNAL')), []);
});

test('node is process 1, gets SIGTERM, and has time', () => {
  assert.match(last('ENTRYPOINT').getArgumentsContent(), /^\["node", /u);
  assert.equal(last('STOPSIGNAL').getArgumentsContent(), 'SIGTERM');
  const timeoutMs = Number(/SHUTDOWN_TIMEOUT_MS=(\d+)/u.exec(dockerfile)[1]);
  const stopSeconds = Number(/--stop-timeout (\d+)/u.exec(dockerfile)[1]);
  assert.ok(stopSeconds * 1000 >= timeoutMs + MARGIN_MS);
});

const unshare = ['unshare', '--fork', '--pid', '--mount-proc', '--kill-child'];
const permitted = spawnSync(unshare[0], [...unshare.slice(1), 'true']).status === 0;

test('the entry point as process 1', { skip: !permitted, timeout: 60_000 }, async () => {
  const folder = makeFolder();
  const bin = makeFolder();
  symlinkSync(process.execPath, path.join(bin, 'node'));
  const env = environment(folder);
  env.PATH = `${bin}:${env.PATH}`;
  const command = JSON.parse(last('ENTRYPOINT').getArgumentsContent());
  const service = start([...unshare, ...command], { cwd: deploy, env });
  await service.serving();
  // As the engine does it: from outside, to the process that is 1 inside.
  const { pid } = service.child;
  const inside = Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8'));
  process.kill(inside, 'SIGTERM');
  const end = await service.ended;
  assert.deepEqual([end.code, end.signal], [0, null], end.said);
  assert.deepEqual(
    reports(folder).map(({ reason, exitCode }) => [reason, exitCode]),
    [['SIGTERM', 0]],
  );
});
