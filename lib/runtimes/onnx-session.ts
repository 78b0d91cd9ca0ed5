/** A session of onnxruntime (node, web), unloaded as its runtime needs it. */

import { guarded } from './guarded.js';
import {
  type RuntimeOptions,
  type RuntimeSettings,
  runtimeSettings,
  withMethods,
} from './options.js';
import { RuntimeModel } from './runtime-model.js';

/** What of an `InferenceSession` is needed. */
export interface OnnxSessionLike {
  /** Holds a lease while it runs. */
  run(...args: never[]): Promise<unknown>;
  /** Called once, a turn of the event loop after the last run. */
  release(): unknown;
}

/** Made by `onnxSession`. */
export class OnnxModel<S extends OnnxSessionLike = OnnxSessionLike> extends RuntimeModel {
  /**
   * The session, for the service to work with: its runs hold a lease, and reject with a
   * `ModelStateError` unless the model is `loaded`; its `release()` is `unload()`.
   */
  readonly session: S;

  /** @internal */
  constructor(session: S, settings: RuntimeSettings) {
    super(settings, session, () => session.release());
    this.session = guarded(session, {
      method: (key, original) => {
        if (key === 'release') return () => this.unload().then(() => undefined);
        if (typeof key !== 'string' || !key.startsWith('run')) return undefined;
        return (...args) => this.use(() => original(...args));
      },
    });
  }
}

/**
 * Takes over an onnxruntime session. A `release()` in the tick of a `run()` rejects that run, and a
 * second one throws: it comes once, a turn after the last run has ended.
 *
 * @throws TypeError when `session` has no `run()` and `release()`, or an option is wrong
 */
export function onnxSession<S extends OnnxSessionLike>(
  session: S,
  options: RuntimeOptions,
): OnnxModel<S> {
  return new OnnxModel(
    withMethods('the session', session, ['run', 'release']),
    runtimeSettings(options),
  );
}
