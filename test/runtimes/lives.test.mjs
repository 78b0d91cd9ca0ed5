// Every runtime through the same situations, each in a process of its own, to its end.
import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, test } from 'node:test';
import { writeGguf } from './models/gguf.mjs';
import { writeBert, writeProducts } from './models/onnx.mjs';
import { softwareGpu } from './software-gpu.mjs';
import { life, makeFolder, run } from './support.mjs';

const small = makeFolder();
writeGguf(path.join(small, 'llama.gguf'));
writeBert(path.join(small, 'bert'));
const large = makeFolder();
writeGguf(path.join(large, 'llama.gguf'), 16_384);
writeBert(path.join(large, 'bert'), 1536);
for (const folder of [small, large]) {
  writeProducts(path.join(folder, 'products.onnx'), { size: 128, steps: 4 });
}

/** `bytes`: what a model takes at least, in its share of what its runtime builds up for it. */
const RUNTIMES = {
  onnxruntime: { bytes: 2e6 },
  transformers: { bytes: 9e6 },
  llama: { bytes: 12e6 },
  webgpu: { bytes: 4e6, world: softwareGpu(makeFolder()) },
};

for (const [runtime, { bytes, world }] of Object.entries(RUNTIMES)) {
  const lives = (situation, options) =>
    run([life, runtime, situation], { env: { MODELS: small, ...world }, ...options });
  const endedWell = ({ end, stderr }) => {
    assert.deepEqual({ end, stderr }, { end: [0, null], stderr: '' });
  };

  describe(runtime, () => {
    test('unloaded while idle', async () => {
      const lived = await lives('idle');
      endedWell(lived);
      assert.equal(lived.told.status, 'unloaded');
      assert.ok(lived.told.memory.rss.after > 0);
    });

    test('unloaded under load: what was begun is answered, the rest is refused', async () => {
      const lived = await lives('load');
      endedWell(lived);
      const { counts, result } = lived.told;
      assert.deepEqual({ ...counts, answered: 0 }, { answered: 0, refused: 4, errors: [] });
      assert.equal(result.status, 'unloaded');
      assert.ok(result.drainedLeases > 0);
    });

    test('unloaded in the tick of a run: the run is answered', async () => {
      const lived = await lives('run');
      endedWell(lived);
      const { answer, refused, result } = lived.told;
      assert.ok(answer !== null && answer !== '');
      assert.equal(refused, 'ERR_MODEL_STATE');
      assert.deepEqual([result.status, result.drainedLeases], ['unloaded', 1]);
    });

    test('unloaded twice: disposed of once', async () => {
      const lived = await lives('twice');
      endedWell(lived);
      assert.deepEqual(lived.told, ['unloaded', 'unloaded', 'already-unloaded']);
    });

    test('SIGTERM under load', async () => {
      const lived = await lives('sigterm', { signal: 'SIGTERM', when: 'working' });
      assert.deepEqual(lived.end, [0, null], lived.stderr);
      assert.doesNotMatch(lived.stderr, /unhandled|disposed/iu);
      assert.deepEqual(
        { ...lived.told.counts, answered: 0 },
        { answered: 0, refused: 4, errors: [] },
      );
    });

    test('gives its memory back, against a control that does not unload', async () => {
      const [unloaded, control] = await Promise.all(
        ['unloaded', 'control'].map((which) =>
          run(['--expose-gc', life, runtime, 'memory', which], {
            // Else glibc keeps what it was given back, for itself.
            env: { MODELS: large, MALLOC_MMAP_THRESHOLD_: '131072', ...world },
          }),
        ),
      );
      endedWell(unloaded);
      const freed = unloaded.told.before - unloaded.told.after;
      const kept = control.told.before - control.told.after;
      const mib = (value) => `${(value / 2 ** 20).toFixed(1)} MiB`;
      console.log(`${runtime}: ${mib(freed)} back, without an unload ${mib(kept)}`);
      assert.ok(freed - kept > (unloaded.told.models * bytes) / 2);
    });
  });
}

test('llama: SIGTERM in the middle of a generation that would never end', async () => {
  const { end, stderr, told } = await run([life, 'llama', 'generation'], {
    env: { MODELS: small },
    signal: 'SIGTERM',
    when: 'working',
  });
  assert.deepEqual(end, [0, null], stderr);
  assert.doesNotMatch(stderr, /unhandled|disposed/iu);
  assert.deepEqual(told, ['AbortError', 'The model m is being unloaded']);
});
