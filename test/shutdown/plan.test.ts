import { describe, expect, test } from '@jest/globals';
import { planSteps } from '../../lib/shutdown/plan.js';
import { step } from '../support/shutdown.js';

const order = (steps: Parameters<typeof planSteps>[0]): string[] =>
  planSteps(steps).map((entry) => `${entry.phase}:${entry.step.name}`);

describe('the order of the steps', () => {
  test('goes by the phases, however the steps were added', () => {
    const steps = (['logs', 'device', 'models', 'service', 'intake'] as const).map((phase) =>
      step(phase, { phase }),
    );
    expect(order(steps)).toEqual([
      'intake:intake',
      'service:service',
      'models:models',
      'device:device',
      'logs:logs',
    ]);
  });

  test('goes by `after` within a phase', () => {
    const plan = planSteps([
      step('c', { after: ['b', 'a'] }),
      step('b', { after: ['a'] }),
      step('a'),
    ]);
    expect(plan.map((entry) => [entry.step.name, entry.needs])).toEqual([
      ['a', []],
      ['b', ['a']],
      ['c', ['b', 'a']],
    ]);
  });

  test('moves a step behind those that it comes after into their phase, also through others', () => {
    const steps = [
      step('last', { after: ['between'] }),
      step('between', { after: ['models'] }),
      step('models', { phase: 'models' }),
      step('logs', { phase: 'logs' }),
    ];
    expect(order(steps)).toEqual(['models:models', 'models:between', 'models:last', 'logs:logs']);
  });

  test('leaves a step that is after one of an earlier phase where it is', () => {
    const [, logs] = planSteps([
      step('http', { phase: 'intake' }),
      step('logs', { phase: 'logs', after: ['http'] }),
    ]);
    expect(logs).toMatchObject({ phase: 'logs', needs: [] });
  });

  test('refuses a name that no step has', () => {
    expect(() => planSteps([step('a', { after: ['db'] })])).toThrow(
      new RangeError(
        'Expected the `after` option of the step `a` to be names of steps that were added, got `db` (string)',
      ),
    );
  });

  test.each([
    [[step('a', { after: ['a'] })], 'a → a'],
    [[step('a', { after: ['b'] }), step('b', { after: ['a'] })], 'a → b → a'],
    [
      [step('x', { after: ['a'] }), step('a', { after: ['b'] }), step('b', { after: ['a'] })],
      'a → b → a',
    ],
  ])('names a cycle', (steps, path) => {
    expect(() => planSteps(steps)).toThrow(
      `Expected the order of the steps to be without a cycle, got \`${path}\` (string)`,
    );
  });
});
