/** A span for a shutdown and one for each step: the only file that imports OpenTelemetry's API. */

import type { Span, Tracer } from '@opentelemetry/api';
import type { EventSource } from '../shutdown/events.js';

type Api = typeof import('@opentelemetry/api');

interface Tracing {
  readonly api: Api;
  readonly tracer: Tracer;
}

/**
 * Traces through `@opentelemetry/api`; where that is not installed, does nothing. Spans that end
 * before the API has loaded are made when it has. At the end the provider is flushed.
 */
export function openTelemetry(shutdown: EventSource): void {
  let tracing: Tracing | undefined;
  const waiting: ((tracing: Tracing) => void)[] = [];
  const loaded = load().then((found) => {
    tracing = found;
    if (found !== undefined) for (const trace of waiting) trace(found);
    waiting.length = 0;
  });
  const trace = (what: (tracing: Tracing) => void): void => {
    if (tracing === undefined) waiting.push(what);
    else what(tracing);
  };
  let root: Span | undefined;
  const steps = new Map<string, Span>();

  shutdown.on('begin', ({ reason, startedAt, timeoutMs, backend }) => {
    trace(({ tracer }) => {
      root = tracer.startSpan('shutdown', {
        root: true,
        startTime: startedAt,
        attributes: {
          'cuda_shutdown.reason': reason,
          'cuda_shutdown.timeout_ms': timeoutMs,
          'cuda_shutdown.backend': backend,
        },
      });
    });
  });
  shutdown.on('step', ({ name, phase, status, error }) => {
    const at = new Date();
    trace(({ api, tracer }) => {
      const known = steps.get(name);
      const span =
        known ??
        tracer.startSpan(
          `shutdown ${name}`,
          {
            startTime: at,
            attributes: { 'cuda_shutdown.step': name, 'cuda_shutdown.phase': phase },
          },
          root === undefined ? api.ROOT_CONTEXT : api.trace.setSpan(api.ROOT_CONTEXT, root),
        );
      steps.set(name, span);
      if (status === 'running') return;
      span.setAttribute('cuda_shutdown.status', status);
      if (error !== undefined) span.recordException(error, at);
      if (status !== 'ok') {
        span.setStatus({ code: api.SpanStatusCode.ERROR, message: error?.message ?? status });
      }
      span.end(at);
    });
  });
  shutdown.on('end', ({ report: { outcome, exitCode } }) => {
    const at = new Date();
    trace(({ api }) => {
      // A shutdown that was cut short tells no end of its steps.
      for (const span of steps.values()) if (span.isRecording()) span.end(at);
      root?.setAttributes({
        'cuda_shutdown.outcome': outcome,
        'cuda_shutdown.exit_code': exitCode,
      });
      if (outcome !== 'clean')
        root?.setStatus({ code: api.SpanStatusCode.ERROR, message: outcome });
      root?.end(at);
    });
    return loaded.then(() => (tracing === undefined ? undefined : flush(tracing.api)));
  });
}

async function load(): Promise<Tracing | undefined> {
  try {
    const api = await import('@opentelemetry/api');
    return { api, tracer: api.trace.getTracer('cuda-shutdown') };
  } catch {
    return undefined; // Not installed.
  }
}

/** Providers of the SDK can be flushed; the API does not know it. */
async function flush(api: Api): Promise<void> {
  const proxy = api.trace.getTracerProvider() as { getDelegate?: () => unknown };
  const provider = (proxy.getDelegate?.() ?? proxy) as { forceFlush?: () => Promise<void> };
  await provider.forceFlush?.();
}
