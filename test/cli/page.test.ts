import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { courseOfJournal } from '../../lib/cli/course/from-journal.js';
import { courseOfReport } from '../../lib/cli/course/from-report.js';
import { joinCourses } from '../../lib/cli/course/join.js';
import { page } from '../../lib/cli/page/page.js';
import { courseLines } from '../../lib/cli/report/summary.js';
import { traceOf } from '../../lib/cli/report/trace.js';

const SOURCE = { file: 'x.report.json', version: '1.2.3' };
const HOSTILE = `"'></script></style></title><img src=x onerror="alert(1)">&amp;\u0000\u202e`;

const report = (more: object = {}): object => ({
  version: 1,
  reason: 'SIGTERM',
  outcome: 'degraded',
  exitCode: 1,
  backend: 'cuda',
  startedAt: '2026-01-02T03:04:05.678Z',
  durationMs: 1200,
  timeoutMs: 2000,
  steps: [],
  errors: [],
  models: [],
  devices: [],
  ...more,
});

describe('what a service calls things', () => {
  const error = { name: HOSTILE, message: HOSTILE, code: HOSTILE, cause: HOSTILE };
  const hostile = report({
    reason: HOSTILE,
    startedAt: HOSTILE,
    steps: [
      {
        name: HOSTILE,
        status: 'failed',
        startMs: 1,
        durationMs: 2,
        error: HOSTILE,
        details: {
          models: [
            { name: HOSTILE, status: 'failed', freedBytes: 1, durationMs: 1, error: HOSTILE },
          ],
        },
      },
    ],
    errors: [
      { step: HOSTILE, ...error, stack: `x\n    at ${HOSTILE}` },
      { step: `(${HOSTILE})`, ...error },
    ],
    devices: [{ index: 0, name: HOSTILE }],
  });
  const journal = [
    { event: 'begin', version: 1, pid: 1, reason: HOSTILE, startedAt: HOSTILE, steps: [] },
    { event: 'step', atMs: 1, name: HOSTILE, status: 'running', startMs: 1 },
    { event: 'progress', atMs: 2, name: HOSTILE, done: 1, text: HOSTILE },
    { event: 'memory', atMs: 2, when: 'before', devices: [{ index: 0, name: HOSTILE }] },
    { event: 'watchdog', atMs: 9, exitCode: 124, what: HOSTILE, pending: HOSTILE },
  ];
  const told = courseOfJournal(journal.map((line) => JSON.stringify(line)).join('\n'));

  test.each([
    ['a report', courseOfReport(hostile)],
    ['a journal', told],
    ['both', told === undefined ? undefined : joinCourses(courseOfReport(hostile), told)],
  ])('is never markup, from %s', (_, course) => {
    if (course === undefined) throw new Error('No course');
    const markup = page(course, { file: HOSTILE, version: HOSTILE });
    expect(markup).toContain('&lt;img src=x onerror=&quot;alert(1)&quot;&gt;');
    expect(markup).not.toContain('<img');
    expect(markup).not.toContain('<script');
    expect(markup.match(/<\/(style|title)>/gu)).toHaveLength(2);
    expect(markup).not.toContain('\u0000');
    // Attributes end where they should: no tag has a handler.
    expect(markup.replaceAll(/"[^"]*"/gu, '""')).not.toMatch(/<[^>]*\son\w+=/u);
  });

  test('is one line in the terminal, without escape sequences', () => {
    const course = courseOfReport(report({ reason: '\u001b[31mred\nSIGTERM', steps: [] }));
    expect(
      courseLines(course)
        .map(({ text }) => text)
        .join('|'),
    ).toContain('(red SIGTERM)');
  });
});

test('no page asks for anything: neither scripts nor addresses', () => {
  const markup = page(courseOfReport(report()), SOURCE);
  expect(markup).not.toMatch(/<script|<link|<iframe|url\(|https?:|src=/u);
  expect(markup).toContain('default-src &#39;none&#39;');
});

test('any JSON at all, as report or journal, makes a page, a summary and a trace', () => {
  const names = ['name', 'status', 'startMs', 'durationMs', 'models', 'held', 'device', 'bytes'];
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom<unknown>(null, -1, 0, 1e308, 'x', 'ok', 'before', true, [], {}),
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...names, 'index', 'memory', 'details'), tie('any')),
    ),
  })).any;
  const top = ['steps', 'errors', 'models', 'devices', 'durationMs', 'timeoutMs', 'delayMs'];
  const reports = fc.record(Object.fromEntries(top.map((key) => [key, value])));
  const events = fc.constantFrom(
    'begin',
    'step',
    'progress',
    'memory',
    'problem',
    'end',
    'watchdog',
  );
  const lines = fc.array(
    fc.record({
      event: events,
      atMs: value,
      held: value,
      steps: value,
      name: value,
      devices: value,
    }),
    { minLength: 1, maxLength: 6 },
  );
  fc.assert(
    fc.property(reports, lines, (one, journal) => {
      const course = courseOfReport(one);
      const told = courseOfJournal(journal.map((line) => JSON.stringify(line)).join('\n'));
      for (const each of told === undefined
        ? [course]
        : [course, told, joinCourses(course, told)]) {
        expect(page(each, SOURCE)).not.toMatch(/NaN%|undefined|Infinity/u);
        expect(courseLines(each).length).toBeGreaterThan(0);
        expect(traceOf(each).traceEvents.every(({ ts }) => Number.isFinite(ts))).toBe(true);
      }
    }),
    { numRuns: 300 },
  );
});

test('ten megabytes of errors, 200 steps and 64 models stay a page that opens', () => {
  const steps = Array.from({ length: 200 }, (_, index) => ({
    name: `step ${index}`,
    status: index % 3 === 0 ? 'failed' : 'ok',
    startMs: index,
    durationMs: 5,
    ...(index === 0
      ? {
          details: {
            models: Array.from({ length: 64 }, (__, at) => ({
              name: `model ${at}`,
              status: 'unloaded',
              freedBytes: at * 2 ** 20,
              startMs: at,
              durationMs: 3,
            })),
          },
        }
      : {}),
  }));
  const errors = Array.from({ length: 1000 }, (_, index) => ({
    step: `step ${(index * 3) % 200}`,
    name: 'Error',
    message: `${index} ${'long '.repeat(1500)}`,
    stack: `Error\n${'    at somewhere (file.js:1:1)\n'.repeat(80)}`,
  }));
  const large = report({ steps, errors });
  expect(JSON.stringify(large).length).toBeGreaterThan(9_000_000);
  const markup = page(courseOfReport(large), SOURCE);
  expect(markup.length).toBeLessThan(2_500_000);
  expect(markup.match(/class="lane"/gu)?.length).toBeGreaterThanOrEqual(264);
  expect(markup).toContain('more, which the report has');
});

test('a journal of very many lines is drawn as well', () => {
  const line = (atMs: number): string =>
    JSON.stringify({
      event: 'progress',
      atMs,
      name: 'a',
      done: 1,
      held: [{ device: 0, bytes: 9 }],
    });
  const course = courseOfJournal(Array.from({ length: 300_000 }, (_, at) => line(at)).join('\n'));
  if (course === undefined) throw new Error('No course');
  expect(page(course, SOURCE).length).toBeLessThan(50_000);
});

test('an error stands beside its model, and is not said again beside the step', () => {
  const message = 'stuck inside a CUDA call';
  const models = [{ name: 'a', status: 'failed', freedBytes: 1, durationMs: 1, error: message }];
  const markup = page(
    courseOfReport(
      report({
        steps: [
          { name: 'models', status: 'failed', startMs: 0, durationMs: 9, details: { models } },
        ],
        errors: [{ step: 'models', name: 'TimeoutError', message }],
      }),
    ),
    SOURCE,
  );
  expect(markup.split(message)).toHaveLength(2);
});
