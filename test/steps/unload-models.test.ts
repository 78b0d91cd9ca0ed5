import { expect, test } from '@jest/globals';
import { ModelRegistry } from '../../lib/models/registry.js';
import { unloadModels } from '../../lib/steps/unload-models.js';
import { deferred, fakeShutdown } from '../support/shutdown.js';

test('the report says when the time of each model began, also of one that failed', async () => {
  const first = deferred();
  const registry = new ModelRegistry()
    .add({ name: 'good', bytes: 2, unload: () => first.promise })
    .add({ name: 'bad', bytes: 1, unload: () => Promise.reject(new Error('busy')) });
  const shutdown = fakeShutdown()
    .add('before', () => 0)
    .add(unloadModels(registry, { concurrency: 1 }));
  let released = 0;
  shutdown.on('step', ({ name, status }) => {
    if (name !== 'models' || status !== 'running') return;
    setTimeout(() => {
      released += 1;
      first.resolve();
    }, 5);
  });
  const { models, steps } = await shutdown.start();
  expect(released).toBe(1);
  const [good, bad] = ['good', 'bad'].map((name) => models.find((model) => model.name === name));
  const stepStart = steps.find(({ name }) => name === 'models')?.startMs ?? NaN;
  expect(good?.startMs).toBeGreaterThanOrEqual(stepStart - 0.001);
  // One after the other.
  expect(bad?.startMs).toBeGreaterThanOrEqual(
    (good?.startMs ?? NaN) + (good?.durationMs ?? NaN) - 1,
  );
  expect(bad?.status).toBe('failed');
});
