/** The session that a service works with: its runs hold leases, the rest is the session's own. */

import { describe, expect, test } from '@jest/globals';

import { deferred, type Deferred } from '../../../lib/common/deferred.js';
import { ModelStateError } from '../../../lib/common/errors.js';
import { onnxSession } from '../../../lib/runtimes/onnx-session.js';
import { errorOf, standing } from '../../support/settled.js';

/** As onnxruntime's: private members, queued runs, a second release that throws. */
class Session {
  static readonly kind = 'onnx';
  readonly runs: Deferred<string>[] = [];
  releases = 0;
  label = 'own';
  #secret = 'private';

  get inputNames(): string[] {
    return [this.#secret];
  }

  run(feeds: string): Promise<string> {
    const run = deferred<string>();
    this.runs.push(run);
    return run.promise.then((end) => `${this.#secret} ${feeds} ${end}`);
  }

  runAsync(feeds: string): Promise<string> {
    return this.run(feeds);
  }

  startProfiling(): string {
    return this.#secret;
  }

  release(): Promise<void> {
    this.releases += 1;
    if (this.releases > 1) throw new Error('Session already disposed.');
    return Promise.resolve();
  }
}

function make(): {
  raw: Session;
  session: Session;
  model: ReturnType<typeof onnxSession<Session>>;
} {
  const raw = new Session();
  const model = onnxSession(raw, { name: 'm' });
  return { raw, session: model.session, model };
}

describe.each(['run', 'runAsync'] as const)('%s', (method) => {
  test('holds a lease until it has ended, and gives its result', async () => {
    const { raw, session, model } = make();
    const runs = [session[method]('a'), session[method]('b')];
    const unloading = model.unload();
    expect(model.state).toBe('draining');
    raw.runs[0]?.resolve('x');
    expect(await standing(unloading)).toBe('pending');
    expect(raw.releases).toBe(0);
    raw.runs[1]?.resolve('y');
    expect(await Promise.all(runs)).toEqual(['private a x', 'private b y']);
    expect(await unloading).toMatchObject({ drainedLeases: 2 });
    expect(raw.releases).toBe(1);
  });

  test('that fails ends its lease, and its error is the caller’s', async () => {
    const { raw, session, model } = make();
    const run = session[method]('a');
    const thrown = new Error('of the run');
    raw.runs[0]?.reject(thrown);
    expect(await errorOf(run)).toBe(thrown);
    expect(await model.unload()).toMatchObject({ drainedLeases: 0 });
  });

  test('rejects, without reaching the runtime, unless the model is loaded', async () => {
    const { raw, session, model } = make();
    const lease = model.acquire();
    const unloading = model.unload();
    for (const state of ['draining', 'releasing', 'unloaded']) {
      expect(model.state).toBe(state);
      const error = await errorOf(session[method]('a'));
      expect(error).toBeInstanceOf(ModelStateError);
      expect(error).toMatchObject({ state });
      if (state === 'draining') lease.release();
      if (state === 'releasing') await unloading;
    }
    expect(raw.runs).toHaveLength(0);
  });
});

describe('the session that a service works with', () => {
  test('reads, writes and calls the session’s own members', () => {
    const { raw, session } = make();
    expect(session.inputNames).toEqual(['private']);
    expect(session.startProfiling()).toBe('private');
    session.label = 'new';
    expect(raw.label).toBe('new');
    expect(session.constructor).toBe(Session);
    expect(session).toBeInstanceOf(Session);
    expect('runAsync' in session).toBe(true);
  });

  test('has the same methods each time, and those that replace them later', () => {
    const { raw, session } = make();
    // eslint-disable-next-line @typescript-eslint/unbound-method -- they are compared
    expect(session.run).toBe(session.run);
    raw.startProfiling = () => 'replaced';
    expect(session.startProfiling()).toBe('replaced');
  });

  test('unloads the model when the service releases it, and once', async () => {
    const { raw, session, model } = make();
    await Promise.all([session.release(), model.unload(), session.release()]);
    await session.release();
    expect(raw.releases).toBe(1);
    expect(model.state).toBe('unloaded');
  });
});

test.each([undefined, null, {}, { run: () => undefined }, { release: () => undefined }])(
  '%p is refused',
  (session) => {
    expect(() => onnxSession(session as never, { name: 'm' })).toThrow(
      'Expected the session to be an object with run() and release()',
    );
  },
);
