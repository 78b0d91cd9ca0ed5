/** A pipeline of @huggingface/transformers, unloaded as its runtime needs it. */

import { expected } from '../common/expected.js';
import { guarded } from './guarded.js';
import {
  type RuntimeOptions,
  type RuntimeSettings,
  runtimeSettings,
  withMethods,
} from './options.js';
import { RuntimeModel } from './runtime-model.js';

/** What of a pipeline is needed. */
export interface PipelineLike {
  (...args: never[]): unknown;
  /** Called once, a turn of the event loop after the last call. */
  dispose(): unknown;
}

/** Made by `transformersPipeline`. */
export class PipelineModel<P extends PipelineLike = PipelineLike> extends RuntimeModel {
  /**
   * The pipeline, for the service to call: a call holds a lease, and rejects with a
   * `ModelStateError` unless the model is `loaded`; its `dispose()` is `unload()`.
   */
  readonly pipe: P;

  /** @internal */
  constructor(pipe: P, settings: RuntimeSettings) {
    super(settings, pipe, () => pipe.dispose());
    this.pipe = guarded(pipe, {
      method: (key) => (key === 'dispose' ? () => this.unload().then(() => undefined) : undefined),
      call:
        (original) =>
        (...args) =>
          this.use(() => original(...args)),
    });
  }
}

/**
 * Takes over a pipeline. A `dispose()` in the tick of a call rejects that call, and a second one
 * throws: it comes once, a turn after the last call has ended.
 *
 * @throws TypeError when `pipe` is no function with `dispose()`, or an option is wrong
 */
export function transformersPipeline<P extends PipelineLike>(
  pipe: P,
  options: RuntimeOptions,
): PipelineModel<P> {
  if (typeof pipe !== 'function') {
    throw new TypeError(expected('the pipeline', 'a function with dispose()', pipe));
  }
  return new PipelineModel(
    withMethods('the pipeline', pipe, ['dispose']),
    runtimeSettings(options),
  );
}
