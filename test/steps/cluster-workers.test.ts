/** The workers of a cluster, whose shutdowns that of the primary asks to run. */

import { describe, expect, test } from '@jest/globals';
import cluster from 'node:cluster';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';

import type { ShutdownReport } from '../../lib/shutdown/report.js';
import { clusterWorkers, type ClusterWorkersDetails } from '../../lib/steps/cluster-workers.js';
import { Child, type ChildEnd } from '../support/child.js';
import { toldBy } from '../support/simulated.js';

interface Setting {
  readonly options?: object;
  readonly worker?: object;
  readonly forks?: string;
  readonly step?: object;
}

/** In a process group of its own, as a terminal makes one. */
async function started(kinds: readonly string[], setting: Setting = {}): Promise<Child> {
  const child = new Child('cluster.mjs', {
    args: [JSON.stringify({ kinds, ...setting })],
    under: (command) => ['setsid', ...command],
  });
  await child.saw('ready');
  return child;
}

interface Ended {
  readonly end: ChildEnd;
  readonly report: ShutdownReport;
  readonly details: ClusterWorkersDetails;
}

/** How it ended; no worker is left. */
async function ended(child: Child): Promise<Ended> {
  const end = await child.end;
  await allGone(end.stdout);
  const report = toldBy(end) as ShutdownReport;
  return { end, report, details: report.steps[0]?.details as ClusterWorkersDetails };
}

async function stopped(kinds: readonly string[], setting: Setting = {}): Promise<Ended> {
  const child = await started(kinds, setting);
  child.signal('SIGTERM');
  return ended(child);
}

function pids(stdout: string): number[] {
  return [...stdout.matchAll(/^forked (\d+)$/gm)].map(([, pid]) => Number(pid));
}

async function allGone(stdout: string): Promise<void> {
  const until = performance.now() + 20_000;
  for (const pid of pids(stdout)) {
    while (lives(pid)) {
      if (performance.now() > until) throw new Error(`Process ${pid} is left behind`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

function lives(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

function port(child: Child): number {
  return Number(/port (\d+)/.exec(child.stdout)?.[1]);
}

function get(toPort: number, path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request({ port: toPort, path, agent: false }, (response) => {
      response.resume().on('end', () => {
        resolve(response.statusCode);
      });
    });
    sent.on('error', reject).end();
  });
}

// The step's time is short, that of the shutdown is not: a busy machine must have time for what follows.
const SHORT = { step: { timeoutMs: 2500 } };

describe('the workers of a cluster', () => {
  test('are asked by the primary, answer what they have taken, and end before its last steps', async () => {
    const child = await started(['plain', 'plain', 'plain', 'plain']);
    const answers = Array.from({ length: 8 }, () => get(port(child), '/slow'));
    while (child.stdout.split('got /slow').length < 9) await child.alive();
    child.signal('SIGTERM');
    await expect(Promise.all(answers)).resolves.toEqual(Array(8).fill(200));
    const { end, report, details } = await ended(child);
    expect(end).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(report).toMatchObject({ outcome: 'clean', steps: [{ name: 'workers' }, {}] });
    expect(details.workers).toHaveLength(4);
    for (const worker of details.workers) {
      expect(worker).toMatchObject({ code: 0, signal: null, begun: true, sent: [] });
    }
    expect(end.stdout.match(/^began plain SIGTERM less$/gm)).toHaveLength(4);
    expect(end.stdout.lastIndexOf('leaves')).toBeLessThan(end.stdout.indexOf('last step'));
  });

  test('may be none', async () => {
    const child = new Child('cluster.mjs', { args: ['{}'] });
    await child.saw('primary');
    child.signal('SIGTERM');
    const { end, details } = await ended(child);
    expect(end.code).toBe(0);
    expect(details).toEqual({ workers: [] });
  });

  test('get the signal of the terminal as the primary does, and it counts once', async () => {
    const child = await started(['slow', 'plain', 'blocks-in-step']);
    process.kill(-(child.process.pid ?? 0), 'SIGINT');
    const { end, details } = await ended(child);
    expect(end).toMatchObject({ code: 0, signal: null });
    expect(details.workers.map(({ code }) => code)).toEqual(Array(details.workers.length).fill(0));
    for (const kind of ['slow', 'plain', 'blocks-in-step']) {
      expect(end.stdout).toContain(`ended ${kind} clean`);
    }
  });

  test('that are blocked when it comes keep their time: the signal of the primary is no second one', async () => {
    const child = await started(['own-limit'], { worker: { timeoutMs: 2500 } });
    process.kill(-(child.process.pid ?? 0), 'SIGINT');
    const { end, details } = await ended(child);
    expect(end.code).toBe(1);
    expect(end.stderr).toMatch(/the deadline of 2500 ms passed, \d+ ms after SIGINT/);
    expect(details.workers).toMatchObject([{ code: 124, sent: ['SIGTERM'] }]);
  });

  test('that go on by themselves (`exit: false`) are let go of', async () => {
    const { end, details } = await stopped(['stays']);
    expect(end.code).toBe(0);
    expect(details.workers).toMatchObject([{ code: 0, begun: true }]);
  });

  test('whose event loop is blocked get a signal, and their watchdogs end them', async () => {
    const { end, report } = await stopped(['own-limit', 'plain']);
    expect(end.code).toBe(1);
    expect(end.stderr).toMatch(/the deadline of 400 ms passed, \d+ ms after SIGTERM/);
    expect(report.steps[0]).toMatchObject({
      status: 'failed',
      error: expect.stringMatching(
        /^1 of 2 workers did not end well: worker 1 \(pid \d+\) ended with code 124$/,
      ),
    });
  });

  test('that block it in mid-shutdown get none', async () => {
    const { end, details } = await stopped(['blocks-in-step']);
    expect(end.code).toBe(0);
    expect(details.workers).toMatchObject([{ code: 0, sent: [] }]);
  });
});

describe('a worker fails the step', () => {
  test.each([
    ['fails', /^worker 1 \(pid \d+\) ended with code 1$/, { code: 1, sent: [] }],
    ['hangs', /^worker 1 \(pid \d+\) ended with code 1$/, { code: 1, sent: [] }],
    [
      'without',
      /^worker 1 \(pid \d+\) has no shutdown of its own: SIGTERM ended it$/,
      { signal: 'SIGTERM', sent: ['SIGTERM'] },
    ],
  ])('that %s', async (kind, message, worker) => {
    const { end, report, details } = await stopped([kind, 'plain'], SHORT);
    expect(end).toMatchObject({ code: 1, signal: null });
    expect(report.steps).toMatchObject([{ status: 'failed' }, { name: 'last', status: 'ok' }]);
    expect(report.errors).toMatchObject([
      { step: 'workers', message: expect.stringMatching(message) },
    ]);
    expect(details.workers).toMatchObject([worker, { code: 0 }]);
  });

  test.each(['ignores', 'blocked'])(
    'that has to be killed when its time is over: %s',
    async (kind) => {
      const { end, report, details } = await stopped([kind, 'plain'], SHORT);
      expect(end).toMatchObject({ code: 1, signal: null });
      expect(report.steps).toMatchObject([{ status: 'timed-out' }, { status: 'ok' }]);
      expect(report.errors.map(({ message }) => message)).toContainEqual(
        expect.stringMatching(
          /^worker 1 \(pid \d+\) had not ended in time, and was killed \(SIGKILL\)$/,
        ),
      );
      expect(details.workers).toMatchObject([{ sent: ['SIGTERM', 'SIGKILL'] }, { code: 0 }]);
    },
  );
});

describe('a service that forks a worker for every one that ends', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('comes to its end all the same: %s', async (signal) => {
    const child = await started(['plain', 'slow', 'plain'], { forks: 'always' });
    process.kill(
      signal === 'SIGINT' ? -(child.process.pid ?? 0) : (child.process.pid ?? 0),
      signal,
    );
    const { end, report, details } = await ended(child);
    expect(end.code).toBe(0);
    expect(report.outcome).toBe('clean');
    expect(pids(end.stdout).length).toBeGreaterThan(3);
    expect(details.workers.filter(({ begun, signal: by }) => !begun && by === null)).toEqual([]);
  });

  test.each(['unless-stopping', 'unless-voluntary'])('can tell: %s', async (forks) => {
    const { end } = await stopped(['plain', 'plain'], { forks });
    expect(end.code).toBe(0);
    expect(pids(end.stdout)).toHaveLength(2);
  });
});

describe('a primary', () => {
  test('that is killed while its workers stop leaves them to their sequences', async () => {
    const child = await started(['slow', 'plain']);
    child.signal('SIGTERM');
    await child.saw('slow is in its step');
    child.process.kill('SIGKILL');
    const { stdout } = await child.end;
    await allGone(stdout);
    expect(stdout).toContain('the slow step has ended\nended slow clean\nleaves slow 0');
  });

  test('that is killed begins the shutdowns of its workers', async () => {
    const child = await started(['slow', 'fails']);
    child.signal('SIGKILL');
    const { stdout } = await child.end;
    await allGone(stdout);
    expect(stdout).toContain('began slow disconnect all');
    expect(stdout).toContain('leaves slow 0');
    expect(stdout).toContain('leaves fails 1');
  });

  test('that is killed leaves a worker that has ended its own shutdown to Node', async () => {
    const child = await started(['stays']);
    const [pid = 0] = pids(child.stdout);
    process.kill(pid, 'SIGTERM');
    await child.saw('ended stays clean');
    child.signal('SIGKILL');
    const { stdout } = await child.end;
    await allGone(stdout);
    expect(stdout).not.toContain('disconnect');
  });

  test('that a second signal ends kills its workers', async () => {
    const child = await started(['slow', 'hangs']);
    child.signal('SIGTERM');
    await child.saw('the slow step has ended');
    child.signal('SIGTERM');
    const end = await child.end;
    expect(end.code).toBe(143);
    await allGone(end.stdout);
    expect(end.stdout).not.toContain('leaves hangs');
  });
});

describe('clusterWorkers', () => {
  const primary = { isPrimary: true, fork: () => undefined, on: () => undefined };

  test('takes the module as Node’s own types know it', () => {
    expect(clusterWorkers(cluster).name).toBe('workers');
  });

  test('takes the module node:cluster of a primary', () => {
    expect(clusterWorkers(primary as never)).toMatchObject({ name: 'workers', reserveMs: 3000 });
    expect(clusterWorkers(primary as never, { name: 'pool', phase: 'intake' })).toMatchObject({
      name: 'pool',
      phase: 'intake',
    });
  });

  test('refuses anything else', () => {
    expect(() => clusterWorkers({} as never)).toThrow(
      'Expected the cluster to be the module node:cluster, got `Object` (object)',
    );
    expect(() => clusterWorkers(undefined as never)).toThrow(TypeError);
    expect(() => clusterWorkers({ ...primary, isPrimary: false } as never)).toThrow(
      'clusterWorkers() is for the primary; a worker installs a shutdown of its own',
    );
    expect(() => clusterWorkers(primary as never, { signal: 1 } as never)).toThrow(
      'Expected the option name to be one of name, phase, after, timeoutMs, reserveMs',
    );
  });
});
