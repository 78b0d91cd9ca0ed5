// SIGTERM to the end of the process, with steps that do nothing.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import path from 'node:path';
import { interleaved } from './interleaved.mjs';
import { versionOf } from './peers.mjs';
import { rowsAgainst } from './rows.mjs';

const folder = path.join(import.meta.dirname, 'programs/exit');

/** Answers the milliseconds from the signal to the end; `before` is given the program's first line. */
function ends(program, { args = [], before = () => undefined, code: wanted = 0 } = {}) {
  return async () => {
    const child = spawn(process.execPath, [path.join(folder, program), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stderr.resume();
    const ended = once(child, 'exit');
    // One that fails to start ends without a word.
    const [line] = await Promise.race([once(child.stdout, 'data'), ended]);
    const after = await before(String(line).trim());
    const sentAt = performance.now();
    child.kill('SIGTERM');
    const [code, signal] = await ended;
    const ms = performance.now() - sentAt;
    after?.();
    if (code !== wanted)
      throw new Error(`Expected ${program} to end with ${wanted}, got ${code ?? signal}`);
    return ms;
  };
}

/** A client that has been answered, and keeps its connection. */
async function idleClient(port) {
  const agent = new http.Agent({ keepAlive: true });
  const [response] = await once(http.get({ port, host: '127.0.0.1', agent }), 'response');
  await once(response.resume(), 'end');
  return () => agent.destroy();
}

export async function run({ quick }) {
  const rounds = quick ? 5 : 60;
  const peers = {
    'bare Node': ends('bare.mjs'),
    [versionOf('close-with-grace')]: ends('close-with-grace.mjs'),
    [versionOf('exit-hook')]: ends('exit-hook.mjs', { code: 143 }),
    [versionOf('lightship')]: ends('lightship.mjs'),
  };
  const ours = {
    '1 step': ends('cuda-shutdown.mjs', { args: ['1', 'quiet'] }),
    '50 steps': ends('cuda-shutdown.mjs', { args: ['50', 'quiet'] }),
    '1 step, a line each': ends('cuda-shutdown.mjs', { args: ['1'] }),
    '50 steps, a line each': ends('cuda-shutdown.mjs', { args: ['50'] }),
  };
  const servers = (options) => ({
    'bare Node, server.close()': ends('bare-http.mjs', options),
    [versionOf('@godaddy/terminus')]: ends('terminus.mjs', options),
    [versionOf('http-graceful-shutdown')]: ends('http-graceful-shutdown.mjs', options),
  });
  const plain = await interleaved({ ...peers, ...ours }, rounds);
  const http = await interleaved({ ...servers(), ours: ends('cuda-shutdown-http.mjs') }, rounds);
  const withClient = { before: idleClient };
  const idle = await interleaved(
    { ...servers(withClient), ours: ends('cuda-shutdown-http.mjs', withClient) },
    quick ? 3 : 30,
  );
  const first = 'SIGTERM to the end';
  const { '1 step': oneStep, ...others } = Object.fromEntries(
    Object.keys(ours).map((name) => [name, plain[name]]),
  );
  const split = ({ ours: measured, ...references }) => [measured, references];
  return [
    ...rowsAgainst(`${first}, 1 step`, 'ms', oneStep, pick(plain, Object.keys(peers))),
    ...Object.entries(others).flatMap(([name, values]) =>
      rowsAgainst(`${first}, ${name}`, 'ms', values, pick(plain, ['bare Node'])),
    ),
    ...rowsAgainst(`${first}, HTTP server`, 'ms', ...split(http)),
    ...rowsAgainst(`${first}, HTTP server, an idle connection`, 'ms', ...split(idle)),
  ];
}

function pick(took, names) {
  return Object.fromEntries(names.map((name) => [name, took[name]]));
}
