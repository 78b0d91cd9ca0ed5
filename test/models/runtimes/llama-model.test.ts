/** The order of a llama.cpp unload, and the generations that it aborts. */

import { describe, expect, test } from '@jest/globals';

import { AbortError, ModelStateError } from '../../../lib/common/errors.js';
import { llamaModel, type LlamaModelOptions } from '../../../lib/runtimes/llama-model.js';
import { errorOf } from '../../support/settled.js';

class Part {
  disposed = false;
  readonly #name: string;
  readonly #order: string[];

  constructor(name: string, order: string[]) {
    this.#name = name;
    this.#order = order;
  }

  async dispose(): Promise<void> {
    this.#order.push(`${this.#name} begins`);
    await new Promise(setImmediate);
    this.disposed = true;
    this.#order.push(`${this.#name} ends`);
  }
}

/** As a LlamaChatSession: generates until its signal aborts. */
class Chat {
  readonly #order: string[];
  readonly history: string[] = [];

  constructor(order: string[] = []) {
    this.#order = order;
  }

  async prompt(
    text: string,
    options: { signal?: AbortSignal; topK?: number } = {},
  ): Promise<string> {
    this.history.push(`${text} ${options.topK ?? 'default'}`);
    await new Promise((resolve) => {
      options.signal?.addEventListener('abort', resolve);
    });
    this.#order.push('generation aborted');
    throw options.signal?.reason as Error;
  }

  generateInfillCompletion(prefix: string, suffix?: string, options?: { signal: AbortSignal }) {
    return Promise.resolve([prefix, suffix, options?.signal.aborted]);
  }

  getEmbeddingFor(...input: unknown[]): Promise<unknown[]> {
    return Promise.resolve(input);
  }

  setChatHistory(...history: string[]): number {
    this.history.splice(0, Infinity, ...history);
    return this.#order.length;
  }
}

function parts(order: string[]) {
  return {
    model: new Part('model', order),
    llama: new Part('llama', order),
    contexts: [new Part('first', order), new Part('second', order)],
  };
}

const ALL = ['first', 'second', 'model', 'llama'].flatMap((name) => [
  `${name} begins`,
  `${name} ends`,
]);

describe('an unload', () => {
  test('aborts, waits for the generation, then disposes of one after the other', async () => {
    const order: string[] = [];
    const { model: raw, ...rest } = parts(order);
    const model = llamaModel(raw, { name: 'm', abortAfterMs: 0, ...rest });
    const error = errorOf(model.guard(new Chat(order)).prompt('hello'));
    await model.unload();
    expect(await error).toBeInstanceOf(AbortError);
    expect(order).toEqual(['generation aborted', ...ALL]);
  });

  test('asks for the contexts when it is their turn', async () => {
    const order: string[] = [];
    const { model: raw, llama, contexts } = parts(order);
    const later: Part[] = [];
    const model = llamaModel(raw, { name: 'm', llama, contexts: () => later });
    later.push(...contexts);
    await model.unload();
    expect(order).toEqual(ALL);
  });

  test('leaves out what the service has disposed of', async () => {
    const order: string[] = [];
    const { model: raw, llama, contexts } = parts(order);
    const model = llamaModel(raw, { name: 'm', llama, contexts });
    await contexts[0]?.dispose();
    await llama.dispose();
    await model.unload();
    expect(order.filter((text) => text.startsWith('first'))).toHaveLength(2);
    expect(order.filter((text) => text.startsWith('llama'))).toHaveLength(2);
  });

  test('goes no further than what fails', async () => {
    const order: string[] = [];
    const { model: raw, llama } = parts(order);
    const broken = { dispose: () => Promise.reject(new Error('no')) };
    const model = llamaModel(raw, { name: 'm', llama, contexts: [broken] });
    expect(await errorOf(model.unload())).toMatchObject({
      code: 'ERR_UNLOAD',
      cause: { message: 'no' },
    });
    expect(model.state).toBe('lost');
    expect(order).toEqual([]);
  });

  test('disposes of a shared llama after the last of its models', async () => {
    const order: string[] = [];
    const { llama, model: first } = parts(order);
    const models = [first, new Part('other', order)].map((raw, index) =>
      llamaModel(raw, { name: `m${index}`, llama }),
    );
    await models[0]?.unload();
    expect(llama.disposed).toBe(false);
    await models[1]?.unload();
    expect(llama.disposed).toBe(true);
  });
});

describe('what is guarded', () => {
  const make = () => llamaModel({ dispose: () => undefined }, { name: 'm', abortAfterMs: 0 });

  test('keeps the caller’s options, and aborts for the caller too', async () => {
    const model = make();
    const chat = new Chat();
    const controller = new AbortController();
    const options = { topK: 3, signal: controller.signal };
    const error = errorOf(model.guard(chat).prompt('hello', options));
    controller.abort(new Error('mine'));
    expect(await error).toMatchObject({ message: 'mine' });
    expect(chat.history).toEqual(['hello 3']);
    expect(options.signal).toBe(controller.signal);
    expect(await model.unload()).toMatchObject({ drainedLeases: 0 });
  });

  test('puts the signal where the method takes its options, or nowhere', async () => {
    const chat = make().guard(new Chat());
    expect(await chat.generateInfillCompletion('a')).toEqual(['a', undefined, false]);
    expect(await chat.getEmbeddingFor('a')).toEqual(['a']);
  });

  test('refuses to generate unless the model is loaded; the rest goes on', async () => {
    const model = make();
    const chat = model.guard(new Chat());
    await model.unload();
    expect(await errorOf(chat.prompt('hello'))).toBeInstanceOf(ModelStateError);
    expect(chat.setChatHistory('a')).toBe(0);
    expect(chat.history).toEqual(['a']);
  });

  test.each<unknown>([undefined, null, 'text'])('is not %p', (object) => {
    expect(() => make().guard(object as object)).toThrow(
      'Expected what is guarded to be an object',
    );
  });
});

test.each<[object, string]>([
  [{ llama: {} }, 'Expected the `llama` option to be an object with dispose()'],
  [
    { contexts: 3 },
    'Expected the `contexts` option to be iterable, or a function, got `3` (number)',
  ],
  [{ contexts: null }, 'Expected the `contexts` option to be iterable, or a function'],
  [{ contexts: [{}] }, 'Expected a context to be an object with dispose()'],
  [
    { context: [] },
    'Expected the option name to be one of name, bytes, device, abortAfterMs, contexts, llama',
  ],
])('%p is refused', (options, message) => {
  const raw = { dispose: () => undefined };
  const given: LlamaModelOptions = { name: 'm', ...options };
  expect(() => llamaModel(raw, given)).toThrow(message);
});

test('a model without dispose() is refused', () => {
  expect(() => llamaModel({} as never, { name: 'm' })).toThrow(
    'Expected the model to be an object with dispose()',
  );
});
