import { describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ShutdownReport } from '../../lib/shutdown/report.js';
import { deferred, fakeHost, fakeShutdown, fakeWatchdog } from '../support/shutdown.js';

const statuses = (report: ShutdownReport): Record<string, string> =>
  Object.fromEntries(report.steps.map(({ name, status }) => [name, status]));

describe('the times in the report', () => {
  test('say what each step had, and where the reserves of those behind it began', async () => {
    const shutdown = fakeShutdown({ timeoutMs: 2000, delayMs: 1 })
      .add('a', () => 0, { timeoutMs: 50 })
      .add('b', () => 0, { after: ['a'], optional: true })
      .add('c', () => 0, { phase: 'logs', reserveMs: 300 });
    const told: unknown[] = [];
    shutdown.on('step', ({ name, status, deadlineMs }) => {
      if (status === 'running') told.push([name, deadlineMs]);
    });
    const { steps, ...report } = await shutdown.start();
    expect(report).toMatchObject({ timeoutMs: 2000, delayMs: 1 });
    const [a, b, c] = steps;
    // 200 ms are kept for the report and the exit, and 300 ms for the last step.
    expect(a?.deadlineMs).toBeCloseTo((a?.startMs ?? 0) + 50, 2);
    expect(b).toMatchObject({ phase: 'service', optional: true, deadlineMs: 1500 });
    expect(c).toMatchObject({ phase: 'logs', optional: false, deadlineMs: 1800 });
    expect(told).toEqual(steps.map(({ name, deadlineMs }) => [name, deadlineMs]));
  });
});

describe('adding a step', () => {
  test.each([
    [
      { name: '', run: () => 0 },
      "Expected the step's name to be a non-empty string, got `` (string)",
    ],
    [{ name: 'a' }, 'Expected `run` of the step `a` to be a function, got `undefined` (undefined)'],
    [
      { name: 'a', run: () => 0, phase: 'late' },
      'Expected the `phase` option to be one of intake, service, models, device, logs, got `late` (string)',
    ],
    [
      { name: 'a', run: () => 0, after: 'b' },
      'Expected the `after` option to be an array of step names, got `b` (string)',
    ],
    [
      { name: 'a', run: () => 0, timeoutMs: -1 },
      'Expected the `timeoutMs` option to be a positive number, got `-1` (number)',
    ],
    [
      { name: 'a', run: () => 0, reserveMs: NaN },
      'Expected the `reserveMs` option to be a finite number of at least 0, got `NaN` (number)',
    ],
    [
      { name: 'a', run: () => 0, optional: 1 },
      'Expected the `optional` option to be a boolean, got `1` (number)',
    ],
    [null, 'Expected the step to be an object with a name and a run function, got `null` (null)'],
  ])('refuses %p', (step, message) => {
    expect(() => fakeShutdown().add(step as never)).toThrow(message);
  });

  test('refuses unknown options', () => {
    expect(() => fakeShutdown().add('a', () => 0, { timeout: 3 } as never)).toThrow(
      'Expected the option name to be one of phase, after, timeoutMs, reserveMs, optional, got `timeout` (string)',
    );
  });

  test('refuses a name that is taken', () => {
    const shutdown = fakeShutdown().add('a', () => 0);
    expect(() => shutdown.add('a', () => 0)).toThrow(
      new RangeError("Expected the step's name to be one that is not taken, got `a` (string)"),
    );
  });

  test('keeps the `this` of a step that is an object', async () => {
    const shutdown = fakeShutdown().add({
      name: 'pool',
      run() {
        return { of: this.name };
      },
    });
    expect((await shutdown.start()).steps[0]?.details).toEqual({ of: 'pool' });
  });

  test('is refused after the beginning', async () => {
    const shutdown = fakeShutdown();
    const started = shutdown.start();
    expect(() => shutdown.add('late', () => 0)).toThrow(
      'The step `late` was added after the shutdown had begun',
    );
    await started;
  });

  test('is checked against the others once installed, and then not added', async () => {
    const shutdown = fakeShutdown();
    const uninstall = shutdown.install();
    expect(() => shutdown.add('a', () => 0, { after: ['b'] })).toThrow('got `b` (string)');
    shutdown.add('b', () => 0);
    expect(statuses(await shutdown.start())).toEqual({ b: 'ok' });
    uninstall();
  });
});

describe('installing', () => {
  test('refuses an order that cannot be', () => {
    const shutdown = fakeShutdown().add('a', () => 0, { after: ['b'] });
    expect(() => shutdown.install()).toThrow('got `b` (string)');
    expect(() => shutdown.add('b', () => 0, { after: ['a'] }).install()).toThrow('`a → b → a`');
  });

  test('is for one shutdown at a time', () => {
    const uninstall = fakeShutdown().install();
    expect(() => fakeShutdown().install()).toThrow(
      'A shutdown is installed in this process already',
    );
    uninstall();
    uninstall();
    fakeShutdown().install()();
  });

  test('arms the watchdog, and uninstalling disarms it', () => {
    const watchdog = fakeWatchdog();
    fakeShutdown({ host: fakeHost({ watchdog }) }).install()();
    expect(watchdog.calls).toEqual([
      'arm({"signals":[15],"timeoutMs":5000,"duplicateMs":500,"secondSignalGraceMs":250})',
      'disarm()',
    ]);
  });

  test('takes everything back when the watchdog refuses', () => {
    const watchdog = {
      ...fakeWatchdog(),
      arm: () => {
        throw new Error('armed already');
      },
    };
    expect(() => fakeShutdown({ host: fakeHost({ watchdog }) }).install()).toThrow('armed already');
    fakeShutdown().install()();
  });
});

describe('starting', () => {
  test('gives every caller the same promise, also from inside', async () => {
    const shutdown = fakeShutdown();
    let inner: unknown;
    shutdown.on('begin', () => {
      inner = shutdown.start('again');
    });
    const started = shutdown.start('deploy');
    expect(shutdown.start()).toBe(started);
    expect(inner).toBe(started);
    expect((await started).reason).toBe('deploy');
  });

  test('rejects an order that cannot be, and runs nothing', async () => {
    let ran = false;
    const shutdown = fakeShutdown()
      .add('a', () => (ran = true))
      .add('b', () => 0, { after: ['c'] });
    await expect(shutdown.start()).rejects.toThrow('got `c` (string)');
    expect(ran).toBe(false);
    expect(shutdown.signal.aborted).toBe(false);
    shutdown.add('c', () => 0);
    expect((await shutdown.start()).outcome).toBe('clean');
  });

  test('aborts the signal with what began', async () => {
    const shutdown = fakeShutdown();
    const { signal } = shutdown;
    expect(signal.aborted).toBe(false);
    const started = shutdown.start('deploy');
    expect(signal.reason).toMatchObject({
      code: 'ABORT_ERR',
      message: 'The shutdown has begun: deploy',
    });
    await started;
  });

  test('has a signal that is aborted, where it is first asked for after the beginning', async () => {
    const shutdown = fakeShutdown();
    const started = shutdown.start('deploy');
    const { signal } = shutdown;
    expect(signal.reason).toMatchObject({ message: 'The shutdown has begun: deploy' });
    expect(shutdown.signal).toBe(signal);
    await started;
  });

  test('stays at work for the delay: the signal aborts behind it, and then the steps begin', async () => {
    const log: string[] = [];
    const shutdown = fakeShutdown({ delayMs: 50 })
      .on('begin', ({ delayMs }) => log.push(`begin ${delayMs}`))
      .add('a', () => log.push('a'), { phase: 'intake' });
    shutdown.signal.addEventListener('abort', () => log.push('abort'));
    const started = shutdown.start();
    expect(log).toEqual(['begin 50']);
    const report = await started;
    expect(log).toEqual(['begin 50', 'abort', 'a']);
    expect(report.steps[0]?.startMs).toBeGreaterThan(45);
  });

  test('counts the delay from the arrival of the signal', async () => {
    const watchdog = fakeWatchdog(2000);
    const shutdown = fakeShutdown({ delayMs: 2000, host: fakeHost({ watchdog }) });
    const uninstall = shutdown.add('a', () => 0).install();
    const report = await shutdown.start();
    uninstall();
    expect(report.steps[0]?.startMs).toBeLessThan(3000);
    expect(watchdog.calls).toContain('setPending("(delay)")');
  });

  test('counts the time from the arrival of the signal', async () => {
    const watchdog = fakeWatchdog(2000);
    const shutdown = fakeShutdown({ host: fakeHost({ watchdog }) });
    const uninstall = shutdown.install();
    shutdown.add('a', ({ remainingMs }) => ({ remaining: remainingMs() }));
    const report = await shutdown.start();
    uninstall();
    expect(report.durationMs).toBeGreaterThanOrEqual(2000);
    expect(report.steps[0]?.startMs).toBeGreaterThanOrEqual(2000);
    const { remaining } = report.steps[0]?.details as { remaining: number };
    expect(remaining).toBeLessThanOrEqual(2750);
  });

  test('tells the watchdog what is pending, and lets go of it at the end', async () => {
    const watchdog = fakeWatchdog();
    const shutdown = fakeShutdown({ host: fakeHost({ watchdog }) })
      .add('a', () => 0)
      .add('b', () => sleep(20))
      .add('c', () => 0, { phase: 'logs' });
    const uninstall = shutdown.install();
    await shutdown.start('deploy');
    uninstall();
    expect(watchdog.calls.slice(1)).toEqual([
      'begin("deploy")',
      'setPending("a, b")',
      'setPending("b")',
      'setPending("")',
      'setPending("c")',
      'setPending("")',
      'setPending("(report)")',
      'finish()',
      'disarm()',
    ]);
  });
});

describe('the steps', () => {
  test('run phase by phase and side by side, and go on after failures', async () => {
    const log: string[] = [];
    const { promise: both, resolve } = deferred();
    let met = 0;
    const meet = async (): Promise<void> => {
      met += 1;
      if (met === 2) resolve();
      await both;
    };
    const shutdown = fakeShutdown()
      .add('logs', () => log.push('logs'), { phase: 'logs' })
      .add('a', meet)
      .add('b', meet)
      .add('c', () => log.push('c'), { after: ['http'] })
      .add(
        'http',
        () => {
          log.push('http');
          throw new Error('broken');
        },
        { phase: 'intake' },
      );
    const report = await shutdown.start();
    expect(log).toEqual(['http', 'c', 'logs']);
    expect(statuses(report)).toEqual({ http: 'failed', a: 'ok', b: 'ok', c: 'ok', logs: 'ok' });
    expect(report).toMatchObject({ outcome: 'degraded', exitCode: 1 });
  });

  test('that hang cannot eat the time of those behind them', async () => {
    const report = await fakeShutdown({ timeoutMs: 1000 })
      .add('hung', () => new Promise(() => undefined), { phase: 'models' })
      .add('logs', ({ remainingMs }) => ({ had: remainingMs() }), {
        phase: 'logs',
        reserveMs: 400,
      })
      .start();
    expect(statuses(report)).toEqual({ hung: 'timed-out', logs: 'ok' });
    const { had } = report.steps[1]?.details as { had: number };
    expect(had).toBeGreaterThan(200);
    expect(report.durationMs).toBeLessThan(900);
  });

  test('put errors, details and models into the report', async () => {
    const model = { name: 'llm', status: 'unloaded', freedBytes: 7, durationMs: 1 } as const;
    const lost = { ...model, name: 'tts', status: 'failed' } as const;
    const report = await fakeShutdown()
      .add('first', () => ({ models: [model] }), { phase: 'models' })
      .add(
        'second',
        () => {
          throw Object.assign(new AggregateError([new Error('a'), new Error('b')], 'two'), {
            details: { models: [lost] },
          });
        },
        { phase: 'models' },
      )
      .start();
    expect(report.models).toEqual([model, lost]);
    expect(report.steps[1]).toMatchObject({ status: 'failed', error: 'two' });
    expect(report.errors).toMatchObject([
      { step: 'second', name: 'Error', message: 'a' },
      { step: 'second', name: 'Error', message: 'b' },
    ]);
  });

  test('that are optional do not change the exit code', async () => {
    const report = await fakeShutdown()
      .add('cache', () => Promise.reject(new Error('gone')), { optional: true })
      .start();
    expect(report).toMatchObject({ outcome: 'degraded', exitCode: 0 });
  });
});

describe('listeners', () => {
  test('hear the whole course', async () => {
    const heard: string[] = [];
    await fakeShutdown()
      .add('a', ({ progress }) => {
        progress(1, 2, 'half');
      })
      .on('begin', ({ steps }) => heard.push(`begin ${steps.map(({ name }) => name).join()}`))
      .on('step', ({ name, status }) => heard.push(`${name} ${status}`))
      .on('progress', ({ done, total, text }) => heard.push(`${done}/${total} ${text}`))
      .on('end', ({ report }) => heard.push(`end ${report.outcome}`))
      .start();
    expect(heard).toEqual(['begin a', 'a running', '1/2 half', 'a ok', 'end clean']);
  });

  test('that fail stand in the report, and are told once to the others', async () => {
    const told: string[] = [];
    const report = await fakeShutdown()
      .add('a', () => 0)
      .on('begin', () => {
        throw new Error('broken');
      })
      .on('step', () => Promise.reject(new Error('late')))
      .on('problem', ({ where, error }) => {
        told.push(`${where} ${error.message}`);
        throw new Error('also broken');
      })
      .start();
    expect(told.slice(0, 2)).toEqual(['(observer) broken', '(observer) late']);
    expect(report.errors).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ step: '(observer)', message: 'broken' }),
        expect.objectContaining({ step: '(observer)', message: 'late' }),
        expect.objectContaining({ step: '(observer)', message: 'also broken' }),
      ]),
    );
    expect(report).toMatchObject({ outcome: 'clean', exitCode: 0 });
  });

  test('of the end are waited for, with a bound', async () => {
    const told: string[] = [];
    const report = await fakeShutdown({ timeoutMs: 200 })
      .on('end', () => new Promise(() => undefined))
      .on('problem', ({ error }) => told.push(error.message))
      .start();
    expect(report.outcome).toBe('clean');
    expect(told).toEqual([
      expect.stringMatching(/^A listener of `end` did not settle within \d+ ms$/),
    ]);
  });
});

describe('the devices', () => {
  const memory = (allocated: number) => ({
    free: 10 - allocated,
    total: 10,
    allocated,
    reserved: 0,
  });
  const device = (allocated: number) => [{ index: 0, name: 'GPU', memory: memory(allocated) }];

  test('are read at the beginning and before the logs', async () => {
    let allocated = 6;
    const report = await fakeShutdown({
      host: fakeHost({
        backend: () => 'simulated',
        measureDevices: () => Promise.resolve(device(allocated)),
      }),
    })
      .add('models', () => (allocated = 0), { phase: 'models' })
      .add('logs', () => (allocated = 3), { phase: 'logs' })
      .start();
    expect(report.devices).toEqual([
      { index: 0, name: 'GPU', before: memory(6), after: memory(0) },
    ]);
    expect(report.backend).toBe('simulated');
  });

  test('that do not answer delay nothing', async () => {
    let asked = 0;
    const report = await fakeShutdown({
      host: fakeHost({
        backend: () => 'cuda',
        measureDevices: () => {
          asked += 1;
          return new Promise(() => undefined);
        },
      }),
    })
      .add('a', () => 0)
      .start();
    expect(report).toMatchObject({ outcome: 'clean', devices: [] });
    expect(asked).toBe(1);
  });

  test('that cannot be read stand in the errors', async () => {
    const host = fakeHost({
      backend: () => 'cuda',
      measureDevices: () => Promise.reject(new Error('lost')),
    });
    const report = await fakeShutdown({ host })
      .add('a', () => 0)
      .start();
    expect(report.errors).toMatchObject([{ step: '(devices)', message: 'lost' }]);
  });

  test('are not asked for without a backend', async () => {
    const measureDevices = (): never => {
      throw new Error('asked');
    };
    expect((await fakeShutdown({ host: fakeHost({ measureDevices }) }).start()).errors).toEqual([]);
  });
});
