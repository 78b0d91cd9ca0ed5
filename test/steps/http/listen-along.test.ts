import { expect, test } from '@jest/globals';
import { EventEmitter } from 'node:events';
import { listenAlong } from '../../../lib/steps/http/listen-along.js';

test('listens first, and only while others do', () => {
  const emitter = new EventEmitter();
  const calls: string[] = [];
  const other = (): unknown => calls.push('other');
  listenAlong(emitter, 'upgrade', () => calls.push('mine'));
  expect(emitter.listenerCount('upgrade')).toBe(0);
  emitter.on('upgrade', other);
  emitter.on('request', other);
  expect(emitter.listenerCount('upgrade')).toBe(2);
  emitter.emit('upgrade');
  expect(calls).toEqual(['mine', 'other']);
  emitter.removeListener('upgrade', other);
  expect(emitter.listenerCount('upgrade')).toBe(0);
  emitter.prependListener('upgrade', other).removeAllListeners('upgrade');
  expect(emitter.listenerCount('upgrade')).toBe(0);
  expect(emitter.listenerCount('request')).toBe(1);
});

test('joins those who listen already', () => {
  const emitter = new EventEmitter().on('connect', () => undefined);
  listenAlong(emitter, 'connect', () => undefined);
  expect(emitter.listenerCount('connect')).toBe(2);
});
