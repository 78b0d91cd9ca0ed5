// examples/llama and examples/transformers: SIGTERM in the middle of their requests.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { test } from 'node:test';
import { writeGguf } from './models/gguf.mjs';
import { writeBert } from './models/onnx.mjs';
import { linkExample, makeFolder } from './support.mjs';

const folder = makeFolder();
writeGguf(path.join(folder, 'llama.gguf'));
writeBert(path.join(folder, 'bert'));

async function serve(example, env) {
  const child = spawn(process.execPath, [path.join(example, 'service.mjs')], {
    env: { ...process.env, NODE_OPTIONS: '', PORT: '0', ORT_DISABLE_TELEMETRY: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close');
  let out = '';
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (err += text));
  child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
  while (!out.includes('port')) {
    const what = await Promise.race([once(child.stdout, 'data'), ended.then(() => 'ended')]);
    assert.notEqual(what, 'ended', err);
  }
  const url = `http://127.0.0.1:${/port (\d+)/u.exec(out)[1]}/`;
  const post = (body) => fetch(url, { method: 'POST', body });
  return { child, post, end: async () => ({ end: await ended, err }) };
}

const llama = linkExample('llama', ['node-llama-cpp']);
const LLAMA = {
  MODEL: path.join(folder, 'llama.gguf'),
  THREADS: '1',
  NODE_LLAMA_CPP_GPU: 'false',
  NODE_LLAMA_CPP_LOG_LEVEL: 'error',
};

test('llama: the generations that have begun are answered', { timeout: 90_000 }, async () => {
  const service = await serve(llama, { ...LLAMA, MAX_TOKENS: '40' });
  // Their heads come with the first token.
  const responses = await Promise.all(['once', 'upon', 'a'].map((text) => service.post(text)));
  service.child.kill('SIGTERM');
  for (const response of responses) {
    assert.equal(response.status, 200);
    assert.notEqual(await response.text(), '');
  }
  const { end, err } = await service.end();
  assert.deepEqual(end, [0, null], err);
  assert.match(err, /Shutdown \(SIGTERM\): clean/u);
});

test('transformers: every accepted request is answered', { timeout: 90_000 }, async () => {
  const example = linkExample('transformers', ['@huggingface/transformers']);
  const service = await serve(example, { MODELS: folder, MODEL: 'bert' });
  const long = Array.from({ length: 6 }, () => service.post('the quick brown fox '.repeat(20)));
  // When the last one has been answered, those before it have been accepted.
  assert.equal((await (await service.post('the')).json()).length, 32);
  service.child.kill('SIGTERM');
  for (const response of await Promise.all(long)) {
    assert.equal(response.status, 200);
    assert.equal((await response.json()).length, 32);
  }
  const { end, err } = await service.end();
  assert.deepEqual(end, [0, null], err);
  assert.match(err, /Shutdown \(SIGTERM\): clean/u);
});
