// PM2 itself: starts the service, reloads it and stops it. Each end is the service's own.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { deploy, environment, makeFolder, MARGIN_MS, packages, reports } from './support.mjs';

const file = path.join(deploy, 'pm2', 'ecosystem.config.cjs');

test('kill_timeout is longer than the shutdown may take', () => {
  const [{ kill_timeout: kill, env }] = createRequire(import.meta.url)(file).apps;
  assert.ok(kill >= Number(env.SHUTDOWN_TIMEOUT_MS) + MARGIN_MS);
});

test('start, reload, stop', { timeout: 180_000 }, async () => {
  const folder = makeFolder();
  const home = path.join(folder, 'pm2');
  const env = { ...environment(folder), PM2_HOME: home };
  const pm2 = async (...args) => {
    const command = path.join(packages, '.bin', 'pm2');
    const { stdout } = await promisify(execFile)(command, ['--no-color', ...args], { env });
    return stdout;
  };
  const described = async () => JSON.parse(await pm2('jlist', '--silent'))[0];
  after(() => pm2('kill'));

  await pm2('start', file);
  const first = await described();
  assert.equal(first.pm2_env.status, 'online');
  await pm2('reload', file);
  const second = await described();
  assert.equal(second.pm2_env.status, 'online');
  assert.notEqual(second.pid, first.pid);
  await pm2('stop', 'inference');

  const ends = reports(folder);
  assert.deepEqual(
    ends.map(({ reason, outcome, exitCode }) => [reason, outcome, exitCode]),
    [
      ['shutdown message', 'clean', 0],
      ['shutdown message', 'clean', 0],
    ],
  );
  for (const { models } of ends) assert.equal(models[0].status, 'unloaded');
  const log = readFileSync(path.join(home, 'pm2.log'), 'utf8');
  assert.equal(log.match(/exited with code \[0\] via signal \[SIGINT\]/gu)?.length, 2, log);
  assert.doesNotMatch(log, /SIGKILL|still alive|not been killed/iu);
});
