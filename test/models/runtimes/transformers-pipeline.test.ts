/** The pipeline that a service calls: a call holds a lease. */

import { expect, test } from '@jest/globals';

import { deferred } from '../../../lib/common/deferred.js';
import { ModelStateError } from '../../../lib/common/errors.js';
import { transformersPipeline } from '../../../lib/runtimes/transformers-pipeline.js';
import { errorOf } from '../../support/settled.js';

function make() {
  const call = deferred<string>();
  const counts = { calls: 0, disposals: 0 };
  const raw = Object.assign(
    (text: string, options?: { pooling: string }) => {
      counts.calls += 1;
      return call.promise.then((end) => [text, options?.pooling, end]);
    },
    {
      task: 'feature-extraction',
      tokenizer: (text: string) => text.length,
      dispose: () => {
        counts.disposals += 1;
        if (counts.disposals > 1) throw new Error('Session already disposed.');
        return Promise.resolve();
      },
    },
  );
  const model = transformersPipeline(raw, { name: 'm' });
  return { call, counts, model, pipe: model.pipe };
}

test('a call holds a lease until it has ended', async () => {
  const { call, counts, model, pipe } = make();
  const calling = pipe('text', { pooling: 'mean' });
  const unloading = model.unload();
  expect(model.state).toBe('draining');
  call.resolve('end');
  expect(await calling).toEqual(['text', 'mean', 'end']);
  expect(await unloading).toMatchObject({ drainedLeases: 1 });
  expect(counts).toEqual({ calls: 1, disposals: 1 });
});

test('a call is refused unless the model is loaded', async () => {
  const { counts, model, pipe } = make();
  await model.unload();
  expect(await errorOf(pipe('text'))).toBeInstanceOf(ModelStateError);
  expect(counts.calls).toBe(0);
});

test('its members are the pipeline’s own; its dispose() unloads, once', async () => {
  const { counts, model, pipe } = make();
  expect(pipe.task).toBe('feature-extraction');
  expect(pipe.tokenizer('four')).toBe(4);
  await Promise.all([pipe.dispose(), model.unload()]);
  await pipe.dispose();
  expect(counts.disposals).toBe(1);
});

test.each([undefined, {}, { dispose: () => undefined }, () => undefined])(
  '%p is refused',
  (pipe) => {
    expect(() => transformersPipeline(pipe as never, { name: 'm' })).toThrow(
      /Expected the pipeline to be (a function|an object) with dispose\(\)/u,
    );
  },
);
