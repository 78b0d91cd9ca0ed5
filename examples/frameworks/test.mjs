// Ends each example while it has a request in flight: the answer arrives, the hooks run, the exit
// code is 0. Ends pino with 20,000 lines under way: every one is in the file. `npm run test:frameworks` installs the packages first.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, symlinkSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

const folder = import.meta.dirname;
const link = path.join(folder, 'node_modules', 'cuda-shutdown');
if (!existsSync(link)) symlinkSync(path.join(folder, '..', '..'), link);

const HOOKS = {
  http: [],
  express: [],
  koa: [],
  fastify: ['preClose', 'onClose'],
  nest: ['onApplicationShutdown'],
};

for (const [name, hooks] of Object.entries(HOOKS)) {
  test(name, { timeout: 60_000 }, async () => {
    const child = spawn(process.execPath, [path.join(folder, `${name}.mjs`)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'close');
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
    while (!out.includes('port')) await once(child.stdout, 'data');
    const port = Number(/port (\d+)/u.exec(out)[1]);

    const agents = Array.from({ length: 5 }, () => new http.Agent({ keepAlive: true }));
    const answers = agents.map((agent) => get(port, agent, '/slow'));
    // When a later request has been answered, the earlier ones have been accepted.
    await get(port, agents[0], '/missing');
    child.kill('SIGTERM');
    for (const answer of await Promise.all(answers)) {
      assert.deepEqual(answer, { status: 200, connection: 'close', text: 'answer' });
    }
    assert.deepEqual(await ended, [0, null]);
    for (const hook of hooks) assert.match(out, new RegExp(`hook ${hook}\n`, 'u'));
    for (const agent of agents) agent.destroy();
  });
}

for (const how of ['file', 'thread']) {
  test(`pino, by a ${how}`, { timeout: 60_000 }, async () => {
    const target = path.join(mkdtempSync(path.join(tmpdir(), 'cuda-shutdown-')), 'log');
    assert.deepEqual(await runPino(target, how), [0, null]);
    const entries = readFileSync(target, 'utf8').trimEnd().split('\n').map(JSON.parse);
    assert.equal(new Set(entries.map(({ line }) => line).filter(Number.isInteger)).size, 20_000);
    const summary = entries.find(({ msg }) => msg === 'Shutdown summary');
    assert.equal(summary.reason, 'SIGTERM');
  });

  test(`pino, by a ${how} on a full disk`, { timeout: 60_000 }, async () => {
    assert.deepEqual(await runPino('/dev/full', how), [1, null]);
  });
}

function runPino(target, how) {
  const args = [path.join(folder, 'pino.mjs'), target, how];
  return once(spawn(process.execPath, args, { stdio: 'inherit' }), 'close');
}

function get(port, agent, url) {
  return new Promise((resolve, reject) => {
    http
      .get({ port, agent, path: url, host: '127.0.0.1' }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part) => (text += part));
        response.on('end', () => {
          resolve({ status: response.statusCode, connection: response.headers.connection, text });
        });
      })
      .on('error', reject);
  });
}
