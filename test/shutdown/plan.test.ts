import { describe, expect, test } from '@jest/globals';
import { checkAdded, planSteps } from '../../lib/shutdown/plan.js';
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

  test('is found for a chain that is longer than the stack is deep', () => {
    const names = Array.from({ length: 50_000 }, (_, index) => `step-${index}`);
    // The first that is added comes last.
    const steps = names.map((name, index) =>
      step(name, { after: names.slice(index + 1, index + 2) }),
    );
    const plan = planSteps(steps).map((entry) => entry.step.name);
    expect(plan).toEqual(names.toReversed());
  });
});

describe('a step that comes to others', () => {
  const present = new Map([['a', step('a')]]);

  test('may come after them', () => {
    expect(() => {
      checkAdded(step('b', { after: ['a'] }), present);
    }).not.toThrow();
  });

  test.each([
    ['db', 'to be names of steps that were added, got `db` (string)'],
    ['b', 'to be without a cycle, got `b → b` (string)'],
  ])('may not come after `%s`', (name, message) => {
    expect(() => {
      checkAdded(step('b', { after: [name] }), present);
    }).toThrow(message);
  });
});
