/** A model of node-llama-cpp, unloaded as its runtime needs it. */

import { expected } from '../common/expected.js';
import { guarded } from './guarded.js';
import { abortable, isGeneration } from './llama-generations.js';
import { type RuntimeOptions, runtimeSettings, withMethods } from './options.js';
import { RuntimeModel } from './runtime-model.js';

/** What of a `LlamaModel`, a `LlamaContext` and a `Llama` is needed. */
export interface LlamaDisposable {
  dispose(): unknown;
  readonly disposed?: boolean;
}

/** The options of `llamaModel`. */
export interface LlamaModelOptions extends RuntimeOptions {
  /** The contexts of the model, to be disposed of before it; a function is asked at the disposal. */
  readonly contexts?: Iterable<LlamaDisposable> | (() => Iterable<LlamaDisposable>) | undefined;
  /** Disposed of after the last of the models that were given it. Ends every other model of it. */
  readonly llama?: LlamaDisposable | undefined;
}

/** How many models have been given a `llama`, and still need it. Process lifetime. */
const users = new WeakMap<LlamaDisposable, number>();

/** Made by `llamaModel`. */
export class LlamaRuntimeModel extends RuntimeModel {
  /** @internal */
  constructor(model: LlamaDisposable, options: LlamaModelOptions) {
    const settings = runtimeSettings(options, ['contexts', 'llama']);
    const { llama } = options;
    const contexts = contextsOf(options.contexts);
    if (llama !== undefined) withMethods('the `llama` option', llama, ['dispose']);
    super(settings, model, async () => {
      for (const context of contexts()) await disposeOf(context);
      await disposeOf(model);
      if (llama !== undefined) await leave(llama);
    });
    if (llama !== undefined) users.set(llama, (users.get(llama) ?? 0) + 1);
  }

  /**
   * A chat session, completion, embedding or ranking context of the model, for the service to work
   * with: its generations hold a lease, reject with a `ModelStateError` unless the model is `loaded`,
   * and are aborted when an unload has waited `abortAfterMs` for them.
   */
  guard<T extends object>(object: T): T {
    if (typeof object !== 'object' || (object as unknown) === null) {
      throw new TypeError(expected('what is guarded', 'an object', object));
    }
    return guarded(object, {
      method: (key, original) => {
        if (!isGeneration(key)) return undefined;
        return (...args) => this.use(({ signal }) => original(...abortable(key, args, signal)));
      },
    });
  }
}

/**
 * Takes over a model of node-llama-cpp: a disposal during a generation ends the process with an
 * unhandled rejection, so generations are aborted and awaited first; then its contexts, the model and
 * its `llama` are disposed of, in this order.
 *
 * @throws TypeError when `model`, a context or `llama` has no `dispose()`, or an option is wrong
 */
export function llamaModel(model: LlamaDisposable, options: LlamaModelOptions): LlamaRuntimeModel {
  return new LlamaRuntimeModel(withMethods('the model', model, ['dispose']), options);
}

function contextsOf(contexts: LlamaModelOptions['contexts']): () => Iterable<LlamaDisposable> {
  if (typeof contexts === 'function') return contexts;
  if (contexts === undefined) return () => [];
  if (typeof (contexts as Partial<Iterable<unknown>> | null)?.[Symbol.iterator] !== 'function') {
    throw new TypeError(expected('the `contexts` option', 'iterable, or a function', contexts));
  }
  const all = [...contexts];
  for (const context of all) withMethods('a context', context, ['dispose']);
  return () => all;
}

async function disposeOf(object: LlamaDisposable): Promise<void> {
  if (object.disposed !== true) await object.dispose();
}

async function leave(llama: LlamaDisposable): Promise<void> {
  const left = (users.get(llama) ?? 1) - 1;
  users.set(llama, left);
  if (left === 0) await disposeOf(llama);
}
