import { describe, expect, test } from '@jest/globals';
import { marginMs, shareTime } from '../../lib/shutdown/budget.js';
import { planSteps } from '../../lib/shutdown/plan.js';
import { step } from '../support/shutdown.js';

describe('the margin', () => {
  test.each([
    [100, 10],
    [2500, 250],
    [30_000, 250],
  ])('of %d ms is %d ms', (timeoutMs, margin) => {
    expect(marginMs(timeoutMs)).toBe(margin);
  });
});

describe('a deadline', () => {
  test('is the end of the budget where nothing follows', () => {
    expect(shareTime(planSteps([step('a')]), 10_000).deadline('a', 3)).toBe(9750);
  });

  test('is the own limit of the step where that is smaller', () => {
    expect(shareTime(planSteps([step('a', { timeoutMs: 100 })]), 10_000).deadline('a', 3)).toBe(
      103,
    );
  });

  test('leaves the reserves of the longest chain behind it, through the phases', () => {
    const plan = planSteps([
      step('http', { phase: 'intake', reserveMs: 500 }),
      step('models', { phase: 'models', reserveMs: 1000 }),
      step('small', { phase: 'models', reserveMs: 10 }),
      step('smaller', { phase: 'models', reserveMs: 10, after: ['small'] }),
      step('logs', { phase: 'logs', reserveMs: 300 }),
    ]);
    const budget = shareTime(plan, 10_000);
    expect(budget.deadline('http', 0)).toBe(9750 - 1300);
    expect(budget.deadline('models', 0)).toBe(9750 - 300);
    expect(budget.deadline('small', 0)).toBe(9750 - 310);
    expect(budget.deadline('logs', 0)).toBe(9750);
  });

  test('leaves the longer of two branches', () => {
    const plan = planSteps([
      step('a'),
      step('b', { after: ['a'], reserveMs: 100 }),
      step('c', { after: ['a'], reserveMs: 300 }),
      step('d', { after: ['b'], reserveMs: 150 }),
    ]);
    expect(shareTime(plan, 10_000).deadline('a', 0)).toBe(9750 - 300);
    expect(shareTime(plan, 10_000).deadline('b', 0)).toBe(9750 - 150);
  });

  test('shrinks all reserves in proportion when they are more than half of the time', () => {
    const plan = planSteps([
      step('http', { phase: 'intake', reserveMs: 500 }),
      step('models', { phase: 'models', reserveMs: 500 }),
      step('logs', { phase: 'logs', reserveMs: 1000 }),
    ]);
    const budget = shareTime(plan, 1000);
    expect(budget.deadline('http', 0)).toBe(900 - 375);
    expect(budget.deadline('models', 0)).toBe(900 - 250);
    expect(budget.deadline('logs', 0)).toBe(900);
  });
});
