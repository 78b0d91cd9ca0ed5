import { describe, expect, test } from '@jest/globals';
import { toError } from '../../lib/common/errors.js';
import { describeError, flattenError, messageOf } from '../../lib/shutdown/describe-error.js';

const hostile = Object.create(null) as object;

describe('an error in the report', () => {
  test('has name, message, code and the messages of its causes', () => {
    const root = new Error('connection refused');
    const error = Object.assign(
      new TypeError('no pool', { cause: new Error('no client', { cause: root }) }),
      { code: 'ERR_POOL' },
    );
    expect(describeError(error)).toEqual({
      name: 'TypeError',
      message: 'no pool',
      code: 'ERR_POOL',
      stack: error.stack,
      cause: 'no client: connection refused',
    });
  });

  test('ends at a circle of causes', () => {
    const error = new Error('a');
    error.cause = error;
    expect(describeError(error).cause).toBe(Array(8).fill('a').join(': '));
  });

  test.each([[undefined], [null], ['text'], [Symbol('s')], [hostile], [42n]])(
    'is made of anything that was thrown',
    (thrown) => {
      const described = describeError(toError(thrown));
      expect(described.name).toBe('Error');
      expect(described.message).toContain('Expected an Error to be thrown, got `');
    },
  );

  test('needs neither name nor stack', () => {
    expect(describeError({ message: 'shape' } as Error)).toEqual({
      name: 'Error',
      message: 'shape',
    });
  });
});

describe('an AggregateError', () => {
  const [a, b, c] = [new Error('a'), new Error('b'), new Error('c')];

  test('is the errors inside it, through several levels', () => {
    expect(flattenError(new AggregateError([a, new AggregateError([b, c])]))).toEqual([a, b, c]);
  });

  test('without errors is itself', () => {
    const empty = new AggregateError([], 'empty');
    expect(flattenError(empty)).toEqual([empty]);
  });

  test('may hold itself', () => {
    const circular = new AggregateError([a]);
    circular.errors.push(circular);
    expect(flattenError(circular)).toEqual([a]);
  });

  test('without a message has those of its errors', () => {
    expect(messageOf(new AggregateError([a, b]))).toBe('a; b');
    expect(messageOf(new AggregateError([a, b], 'both'))).toBe('both');
  });
});
