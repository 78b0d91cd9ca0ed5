import { describe, expect, test } from '@jest/globals';
import { Emitter } from '../../lib/shutdown/emitter.js';
import { deferred } from '../support/shutdown.js';

const progress = { name: 'http', done: 1 };

describe('an emitter', () => {
  test('goes on when a listener throws, and tells of it', () => {
    const failed: string[] = [];
    const heard: number[] = [];
    const emitter = new Emitter((event, error) => failed.push(`${event}: ${error.message}`));
    emitter.on('progress', () => {
      throw new Error('broken');
    });
    emitter.on('progress', ({ done }) => heard.push(done));
    void emitter.emit('progress', progress);
    expect(heard).toEqual([1]);
    expect(failed).toEqual(['progress: broken']);
  });

  test('follows the promises of its listeners, and tells of those that reject', async () => {
    const failed: string[] = [];
    const emitter = new Emitter((_, error) => failed.push(error.message));
    const { promise, resolve } = deferred();
    let settled = false;
    emitter.on('progress', () => promise);
    emitter.on('progress', () => Promise.reject(new Error('late')));
    const all = emitter.emit('progress', progress).then(() => (settled = true));
    await new Promise(setImmediate);
    expect(settled).toBe(false);
    resolve();
    await all;
    expect(failed).toEqual(['late']);
  });

  test('forgets a listener', () => {
    const emitter = new Emitter(() => undefined);
    const heard: number[] = [];
    const listener = (): unknown => heard.push(1);
    emitter.on('progress', listener);
    emitter.off('progress', listener);
    void emitter.emit('progress', progress);
    expect(heard).toEqual([]);
  });

  test('refuses other events, and what is no function', () => {
    const emitter = new Emitter(() => undefined);
    expect(() => {
      emitter.on('finish' as 'end', () => undefined);
    }).toThrow(
      'Expected the event to be one of begin, step, progress, memory, problem, forced, end',
    );
    expect(() => {
      emitter.on('end', 'listener' as never);
    }).toThrow(new TypeError('Expected the listener to be a function, got `listener` (string)'));
  });
});
