import { expect, test } from '@jest/globals';
import type { Course } from '../../lib/cli/course/course.js';
import { traceOf } from '../../lib/cli/report/trace.js';

const course: Course = {
  startedAt: '2026-01-02T03:04:05.678Z',
  pid: 7,
  reason: 'SIGTERM',
  outcome: 'degraded',
  exitCode: 1,
  durationMs: 100,
  timeoutMs: 500,
  delayMs: 10,
  steps: [
    { name: 'http', status: 'ok', optional: false, startMs: 10, endMs: 20 },
    { name: 'models', status: 'failed', optional: false, startMs: 20, endMs: 90, error: 'broken' },
    { name: 'logs', status: 'skipped', optional: true },
  ],
  models: [
    { name: 'a', step: 'models', status: 'unloaded', freedBytes: 5, startMs: 20, durationMs: 30 },
    { name: 'b', step: 'models', status: 'failed', freedBytes: 0, startMs: 25, durationMs: 65 },
    { name: 'c', step: 'models', status: 'unloaded', freedBytes: 5, startMs: 60, durationMs: 5 },
  ],
  devices: [
    {
      index: 1,
      name: 'GPU',
      held: [
        { atMs: 0, bytes: 9 },
        { atMs: 50.5, bytes: 0 },
      ],
    },
  ],
  errors: [{ step: 'models', name: 'Error', message: 'broken' }],
  journal: true,
};

const { traceEvents } = traceOf(course);
const named = (name: string): (typeof traceEvents)[number] | undefined =>
  traceEvents.find((event) => event.name === name && event.ph !== 'M');

test('a step is a complete event in microseconds, on a thread of its name', () => {
  expect(named('models')).toMatchObject({ ph: 'X', ts: 20_000, dur: 70_000, pid: 7, cat: 'step' });
  expect(named('models')?.args).toMatchObject({ status: 'failed', errors: ['broken'] });
  expect(named('logs')).toBeUndefined();
  const threads = traceEvents.filter(({ name }) => name === 'thread_name');
  expect(threads.find(({ tid }) => tid === named('models')?.tid)?.args).toEqual({ name: 'models' });
});

test('models that overlap stand on different threads, one that follows takes a free one', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((name) => named(name)?.tid);
  expect(new Set([a, b]).size).toBe(2);
  expect(c).toBe(a);
});

test('nothing overlaps on a thread', () => {
  const complete = traceEvents.filter(({ ph }) => ph === 'X');
  for (const one of complete) {
    const clash = complete.filter(
      (other) =>
        other !== one &&
        other.tid === one.tid &&
        other.ts < one.ts + (one.dur ?? 0) &&
        one.ts < other.ts + (other.dur ?? 0),
    );
    expect(clash).toEqual([]);
  }
});

test('memory is a counter, and what belongs to the whole an instant through everything', () => {
  const counters = traceEvents.filter(({ ph }) => ph === 'C');
  expect(counters.map(({ name, ts, args }) => [name, ts, args])).toEqual([
    ['held of cuda:1', 0, { bytes: 9 }],
    ['held of cuda:1', 50_500, { bytes: 0 }],
  ]);
  const instants = traceEvents.filter(({ ph }) => ph === 'i');
  expect(instants.map(({ name, ts, s }) => [name, ts, s])).toEqual([
    ['SIGTERM', 0, 'g'],
    ['end: degraded', 100_000, 'g'],
    ['deadline', 500_000, 'g'],
  ]);
});
