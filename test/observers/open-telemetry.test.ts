import { afterEach, describe, expect, test } from '@jest/globals';
import * as api from '@opentelemetry/api';
import { openTelemetry } from '../../lib/observers/open-telemetry.js';
import { runChild } from '../support/child.js';
import { fakeShutdown } from '../support/shutdown.js';

interface Recorded {
  readonly name: string;
  readonly parent: unknown;
  readonly attributes: Record<string, unknown>;
  status?: unknown;
  exception?: unknown;
  ended: boolean;
}

/** A provider that keeps its spans, in the place of the SDK's. */
function record(flush = (): Promise<void> => Promise.resolve()): Recorded[] {
  const spans: Recorded[] = [];
  const startSpan = (
    name: string,
    { attributes }: { attributes: object },
    context?: Parameters<typeof api.trace.getSpan>[0],
  ): object => {
    const span: Recorded = {
      name,
      parent: context === undefined ? undefined : api.trace.getSpan(context),
      attributes: { ...attributes },
      ended: false,
    };
    spans.push(span);
    return Object.assign(span, {
      isRecording: () => !span.ended,
      setAttribute: (key: string, value: unknown) => (span.attributes[key] = value),
      setAttributes: (more: object) => Object.assign(span.attributes, more),
      setStatus: (status: unknown) => (span.status = status),
      recordException: (exception: unknown) => (span.exception = exception),
      end: () => (span.ended = true),
    });
  };
  api.trace.setGlobalTracerProvider({
    getTracer: () => ({ startSpan }) as never,
    forceFlush: flush,
  } as never);
  return spans;
}

afterEach(() => {
  api.trace.disable();
});

describe('OpenTelemetry', () => {
  test('gets a span for the shutdown, and in it one for each step', async () => {
    let flushed = false;
    const spans = record(() => {
      flushed = true;
      return Promise.resolve();
    });
    const error = new Error('broken');
    const shutdown = fakeShutdown()
      .add('a', () => 0)
      .add('b', () => Promise.reject(error), { after: ['a'] });
    openTelemetry(shutdown);
    await shutdown.start('deploy');
    const [root, a, b] = spans;
    expect(spans).toHaveLength(3);
    expect(root).toMatchObject({
      name: 'shutdown',
      parent: undefined,
      attributes: { 'cuda_shutdown.reason': 'deploy', 'cuda_shutdown.outcome': 'degraded' },
      status: { code: api.SpanStatusCode.ERROR },
      ended: true,
    });
    expect(a).toMatchObject({ name: 'shutdown a', attributes: { 'cuda_shutdown.status': 'ok' } });
    expect(a?.parent).toBe(root);
    expect(a?.ended).toBe(true);
    expect(b).toMatchObject({ exception: error, status: { message: 'broken' }, ended: true });
    expect(flushed).toBe(true);
  });

  test('that fails to flush is told, and costs nothing else', async () => {
    record(() => Promise.reject(new Error('collector gone')));
    const told: string[] = [];
    const shutdown = fakeShutdown().on('problem', ({ error }) => told.push(error.message));
    openTelemetry(shutdown);
    expect((await shutdown.start()).outcome).toBe('clean');
    expect(told).toEqual(['collector gone']);
  });
});

test('without @opentelemetry/api nothing happens', async () => {
  expect(await runChild('without-open-telemetry.mjs')).toMatchObject({ code: 0, stderr: '' });
});

test('importing the package loads none of what observers use', async () => {
  const { stdout } = await runChild('imports.mjs');
  expect(stdout.trim()).toBe('[]');
});
