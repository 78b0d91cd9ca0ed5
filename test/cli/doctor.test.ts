/** `cuda-shutdown doctor`: what it says of this machine, of others, and of a driver that hangs. */

import { describe, expect, test } from '@jest/globals';
import { chmodSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Check } from '../../lib/cli/doctor/check.js';
import { containerChecks } from '../../lib/cli/doctor/container.js';
import { graceChecks, systemdTime, unitOf } from '../../lib/cli/doctor/grace.js';
import { machineChecks, nodeCheck } from '../../lib/cli/doctor/machine.js';
import { evidenceOf, runCli } from '../support/cli.js';
import { makeFolder } from '../support/folder.js';
import { compilePreload } from '../support/preload.js';

interface Diagnosis {
  readonly ok: boolean;
  readonly checks: readonly Check[];
}

async function diagnose(
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<Diagnosis & { readonly code: number | null }> {
  const simulated = { CUDA_SHUTDOWN_BACKEND: 'simulated', ...env };
  const { code, stdout, stderr } = await runCli(['doctor', '--json', ...args], { env: simulated });
  expect(stderr).toBe('');
  return { code, ...(JSON.parse(stdout) as Diagnosis) };
}

const find = ({ checks }: Pick<Diagnosis, 'checks'>, id: string): Check | undefined =>
  checks.find((check) => check.id === id);

/** A machine of files. */
function machine(
  files: Record<string, string>,
  env: NodeJS.ProcessEnv = {},
): {
  root: string;
  env: NodeJS.ProcessEnv;
} {
  const root = makeFolder();
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return { root, env };
}

describe('this machine', () => {
  test('has a line for each thing, and exit code 0 where nothing is bad', async () => {
    const { code, ok, checks } = await diagnose(['--grace-seconds', '60']);
    expect({ code, ok }).toEqual({ code: 0, ok: true });
    const ids = checks.map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining(['node', 'platform', 'addon', 'backend', 'memory']));
    expect(find({ checks }, 'backend')).toMatchObject({
      mark: 'warn',
      text: 'Backend: simulated (CUDA_SHUTDOWN_BACKEND is simulated): no GPU memory is held or freed',
    });
    expect(find({ checks }, 'addon')?.text).toMatch(
      /cuda_shutdown_simulated\.node \(built on this/,
    );
  });

  test('every device is named, and none gets a context by it', async () => {
    // Whatever would create one ends the probe.
    const faults = ['cudaFree', 'cudaSetDevice', 'cudaMemGetInfo', 'cudaMemPoolCreate'];
    const { checks } = await diagnose([], {
      CUDA_SHUTDOWN_SIM_DEVICES: '2',
      CUDA_SHUTDOWN_SIM_MEMORY: '8GiB',
      CUDA_SHUTDOWN_SIM_FAULTS: faults.map((name) => `${name}=abort`).join(','),
    });
    expect(checks.filter(({ id }) => id === 'device').map(({ text }) => text)).toEqual([
      expect.stringMatching(/^cuda:0 Simulated device 0, 8\.00 GiB, .*, memory pools$/),
      expect.stringMatching(/^cuda:1 Simulated device 1, 8\.00 GiB, .*, memory pools$/),
    ]);
    expect(find({ checks }, 'driver')).toBeUndefined();
  });

  test('a driver that hangs is said, in time', async () => {
    const preload = compilePreload(join(makeFolder(), 'hangs'), DRIVER, ['-DWHAT=pause()']);
    const { code, checks } = await diagnose([], { LD_PRELOAD: preload });
    expect(code).toBe(1);
    expect(find({ checks }, 'driver')).toMatchObject({
      mark: 'bad',
      text: 'The probe hung for 10 s while loading the addon',
    });
  });

  test('a driver that crashes is said, and takes nothing with it', async () => {
    const preload = compilePreload(join(makeFolder(), 'dies'), DRIVER, ['-DWHAT=abort()']);
    const { code, checks } = await diagnose([], { LD_PRELOAD: preload });
    expect(code).toBe(1);
    expect(find({ checks }, 'driver')?.text).toBe(
      'The probe ended by SIGABRT while loading the addon',
    );
    expect(find({ checks }, 'node')?.mark).toBe('ok');
  });

  test('a backend that is not there is what the package itself says of it', async () => {
    const { code, checks } = await diagnose([], { CUDA_SHUTDOWN_BACKEND: 'gpu' });
    expect(code).toBe(1);
    expect(find({ checks }, 'addon')).toMatchObject({
      mark: 'bad',
      text: 'Expected CUDA_SHUTDOWN_BACKEND to be auto, cuda or simulated, got `gpu` (string)',
    });
  });

  test('an addon that is missing: what was tried, and what to do', async () => {
    const bare = makeFolder();
    cpSync('dist', join(bare, 'dist'), { recursive: true });
    cpSync('package.json', join(bare, 'package.json'));
    cpSync('node_modules/commander', join(bare, 'node_modules/commander'), { recursive: true });
    for (const name of ['bindings', 'file-uri-to-path'])
      cpSync(`node_modules/${name}`, join(bare, 'node_modules', name), { recursive: true });
    const { code, stdout } = await runCli(['doctor'], {
      under: ([node = '', , ...args]) => [node, join(bare, 'dist/cli/main.js'), ...args],
    });
    expect(code).toBe(1);
    expect(stdout).toMatch(/✗ Expected the addon .*cuda_shutdown_simulated\.node to load/);
    expect(stdout).toContain('npm rebuild cuda-shutdown');
  });
});

/** In the place of the driver: what happens when the addon is loaded in a process that looks at devices. */
const DRIVER = `
  #define _GNU_SOURCE
  #include <dlfcn.h>
  #include <stdlib.h>
  #include <string.h>
  #include <unistd.h>
  void* dlopen(const char* name, int flags) {
    void* (*real)(const char*, int) = (void* (*)(const char*, int))dlsym(RTLD_NEXT, "dlopen");
    if (name != NULL && strstr(name, "cuda_shutdown") != NULL) for (;;) WHAT;
    return real(name, flags);
  }`;

describe('a report folder', () => {
  const folderOf = async (folder: string): Promise<Diagnosis & { readonly code: number | null }> =>
    diagnose(['--report', folder, '--grace-seconds', '60']);

  test('that is empty, or is still to be made, is well', async () => {
    const folder = makeFolder();
    expect(find(await folderOf(folder), 'last-shutdown')?.mark).toBe('ok');
    const { checks } = await folderOf(join(folder, 'a/b'));
    expect(find({ checks }, 'report-folder')).toMatchObject({ mark: 'ok' });
    expect(find({ checks }, 'report-folder')?.text).toContain(`(to be made in ${folder}), `);
  });

  test('shows how the last shutdown ended', async () => {
    const clean = await evidenceOf('every-step-ok.mjs');
    expect(find(await folderOf(clean), 'last-shutdown')).toMatchObject({ mark: 'ok' });
    const blocked = await evidenceOf('page-blocked.mjs');
    expect(find(await folderOf(blocked), 'last-shutdown')).toMatchObject({
      mark: 'warn',
      text: expect.stringContaining('Ended by the watchdog after '),
      hint: `npx cuda-shutdown report ${blocked}`,
    });
  });

  test.each([
    ['/proc', 'ENOENT'],
    ['/dev/null', 'ENOTDIR'],
  ])('%s, which cannot be written, is bad', async (folder, reason) => {
    const { code, checks } = await folderOf(folder);
    expect(code).toBe(1);
    expect(find({ checks }, 'report-folder')?.text).toContain(reason);
  });
});

describe('the time to end', () => {
  const check = async (
    files: Record<string, string>,
    env: NodeJS.ProcessEnv,
    options: { timeoutMs: number; graceSeconds?: number },
    id = 'grace',
  ): Promise<Check | undefined> =>
    (await graceChecks(machine(files, env), options)).find((one) => one.id === id);
  const pod = { KUBERNETES_SERVICE_HOST: '10.0.0.1' };

  test.each([
    [31, 'ok'],
    [30.5, 'warn'],
    [30, 'bad'],
    [10, 'bad'],
  ])('a grace period of %p s for 30 s is %s', async (graceSeconds, mark) => {
    const found = await check({}, pod, { timeoutMs: 30_000, graceSeconds });
    expect(found?.mark).toBe(mark);
    const hinted = found?.hint?.includes('terminationGracePeriodSeconds: 35') ?? false;
    expect(hinted).toBe(mark !== 'ok');
  });

  test('may come in a variable, and must be a number', async () => {
    const given = (value: string): Promise<Check | undefined> =>
      check({}, { ...pod, TERMINATION_GRACE_PERIOD_SECONDS: value }, { timeoutMs: 30_000 });
    expect(await given('60')).toMatchObject({ mark: 'ok' });
    expect(await given('15')).toMatchObject({ mark: 'bad' });
    expect(await given('long')).toMatchObject({
      mark: 'bad',
      text: expect.stringContaining('`long`'),
    });
  });

  test('in a pod and in a container it is not known, and that is said', async () => {
    const unknown = { timeoutMs: 30_000 };
    expect(await check({}, pod, unknown)).toMatchObject({ mark: 'warn' });
    expect(await check({ '.dockerenv': '' }, {}, unknown)).toMatchObject({
      mark: 'warn',
      hint: expect.stringContaining('--stop-timeout 35'),
    });
    expect(await check({ '.dockerenv': '' }, {}, { timeoutMs: 8000 })).toMatchObject({
      mark: 'ok',
    });
    expect(await check({}, {}, unknown)).toBeUndefined();
  });

  test.each([
    [{ pm_id: '0' }, 'bad'],
    [{ pm_id: '0', kill_timeout: '20000' }, 'bad'],
    [{ pm_id: '0', kill_timeout: '40000' }, 'ok'],
    [{}, undefined],
  ])("PM2's %j", async (env, mark) => {
    expect((await check({}, env, { timeoutMs: 30_000 }, 'pm2'))?.mark).toBe(mark);
  });

  test.each([
    ['1min 30s', 90_000],
    ['1min 500ms', 60_500],
    ['20s', 20_000],
    ['infinity', Infinity],
    ['', undefined],
    ['soon', undefined],
  ])("systemd's %j", (text, ms) => {
    expect(systemdTime(text)).toBe(ms);
  });

  test.each([
    ['0::/system.slice/embedder.service', { unit: 'embedder.service', user: false }],
    [
      '0::/user.slice/user-1000.slice/user@1000.service/app.slice/x.service',
      { unit: 'x.service', user: true },
    ],
    ['0::/user.slice/user-1000.slice/user@1000.service/init.scope', undefined],
    ['12:cpu:/\n1:name=systemd:/system.slice/a.service', { unit: 'a.service', user: false }],
    ['0::/', undefined],
  ])('the unit of %j', (cgroup, unit) => {
    expect(unitOf(cgroup)).toEqual(unit);
  });

  /** A `systemctl` of the test's own, first in the path. */
  const withSystemctl = (script: string): Record<string, string> => {
    const folder = makeFolder();
    writeFileSync(join(folder, 'systemctl'), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, 'systemctl'), 0o755);
    return { PATH: `${folder}:${process.env.PATH ?? ''}` };
  };

  test.each([
    ['echo 1min 30s', 'ok', 'TimeoutStopSec of a.service is 1 min 30 s'],
    ['echo 10s', 'bad', 'SIGKILL comes before the deadline'],
    ['echo no such unit >&2; exit 4', 'warn', 'exit code 4: no such unit'],
    ['exec sleep 100', 'warn', '(systemctl: hung)'],
  ])('a systemctl that does `%s` is %s', async (script, mark, text) => {
    const diagnosis = await diagnose(['--unit', 'a.service'], withSystemctl(script));
    expect(find(diagnosis, 'systemd')).toMatchObject({
      mark,
      text: expect.stringContaining(text),
    });
  });
});

describe('other machines', () => {
  const group = (files: Record<string, string>, heapLimit = 2 ** 30): readonly Check[] =>
    containerChecks(machine(files), heapLimit);
  const unified = '0::/kubepods/pod1/c\n';

  test('the limits of control groups, version 2: the smallest on the way up', () => {
    const checks = group({
      'proc/self/cgroup': unified,
      'sys/fs/cgroup/kubepods/pod1/c/memory.max': 'max\n',
      'sys/fs/cgroup/kubepods/pod1/memory.max': `${2 ** 32}\n`,
      'sys/fs/cgroup/kubepods/pod1/c/cpu.max': '150000 100000\n',
      'sys/fs/cgroup/cpu.max': '400000 100000\n',
    });
    expect(find({ checks }, 'container')?.text).toBe('In a container (kubernetes)');
    expect(find({ checks }, 'memory')).toMatchObject({
      mark: 'ok',
      text: 'Memory: at most 4.00 GiB',
    });
    expect(find({ checks }, 'processor')?.text).toBe('Processor: at most 1.5 CPUs');
  });

  test('and version 1, where a number near to 2^63 is none', () => {
    const checks = group({
      'proc/self/cgroup': '5:memory:/docker/a\n4:cpu,cpuacct:/docker/a\n',
      'sys/fs/cgroup/memory/docker/a/memory.limit_in_bytes': '9223372036854771712\n',
      'sys/fs/cgroup/cpu/docker/a/cpu.cfs_quota_us': '25000\n',
      'sys/fs/cgroup/cpu/docker/a/cpu.cfs_period_us': '100000\n',
    });
    expect(find({ checks }, 'memory')?.text).toBe('Memory: no limit by a control group');
    expect(find({ checks }, 'processor')).toMatchObject({
      mark: 'warn',
      text: 'Processor: at most 0.25 CPUs',
    });
  });

  test('a heap that may outgrow the memory', () => {
    const files = { 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/memory.max': `${2 ** 29}\n` };
    expect(find({ checks: group(files) }, 'memory')).toMatchObject({ mark: 'warn' });
  });

  test.each([
    ['sh', 'bad'],
    ['npm start', 'bad'],
    ['node', 'ok'],
    ['tini', 'ok'],
  ])('%s as the first process of a container is %s', (name, mark) => {
    const checks = group({ '.dockerenv': '', 'proc/1/comm': `${name}\n` });
    expect(find({ checks }, 'pid-1')?.mark).toBe(mark);
    expect(find({ checks: group({ 'proc/1/comm': `${name}\n` }) }, 'pid-1')).toBeUndefined();
  });

  test('a debugger, locked memory, and who may trace', () => {
    const checks = machineChecks(
      machine(
        {
          'proc/self/status': 'Name:\tnode\nTracerPid:\t42\n',
          'proc/self/limits': 'Max locked memory         65536                65536     bytes\n',
          'proc/sys/kernel/yama/ptrace_scope': '1\n',
        },
        { NODE_ENV: 'production' },
      ),
    );
    expect(find({ checks }, 'tracer')).toMatchObject({
      mark: 'warn',
      text: 'Process 42 traces this one',
    });
    expect(find({ checks }, 'memlock')?.text).toContain('64 KiB');
    expect(find({ checks }, 'ptrace')?.text).toContain('(ptrace_scope 1)');
    expect(find({ checks }, 'node-env')?.text).toBe('NODE_ENV is production');
  });

  test.each([
    ['20.19.0', 'ok'],
    ['20.18.3', 'bad'],
    ['22.12.0', 'ok'],
    ['23.9.0', 'bad'],
    ['24.0.0', 'ok'],
    ['26.1.2', 'ok'],
  ])('Node %s is %s', (version, mark) => {
    expect(nodeCheck(version, '^20.19.0 || ^22.12.0 || >=24').mark).toBe(mark);
  });
});
