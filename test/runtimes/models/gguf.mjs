// Writes a llama of one small layer with random weights, as a GGUF file: real, and without any sense.
import { writeFileSync } from 'node:fs';

const WIDTH = 64;
const HEADS = 4;
const TYPES = { u32: 4, i32: 5, f32: 6, string: 8, array: 9 };

/** @param hidden The width of its feed-forward layer: 768 bytes of weights for each. */
export function writeGguf(path, hidden = 128) {
  const special = ['<unk>', '<s>', '</s>'];
  const bytes = Array.from({ length: 256 }, (_, at) => `<0x${hex(at)}>`);
  const letters = [...'▁abcdefghijklmnopqrstuvwxyz'];
  const tokens = [...special, ...bytes, ...letters];
  const kinds = tokens.map((_, at) => (at === 0 ? 2 : at < 3 ? 3 : at < 259 ? 6 : 1));
  const metadata = [
    ['general.architecture', 'string', 'llama'],
    ['llama.context_length', 'u32', 512],
    ['llama.embedding_length', 'u32', WIDTH],
    ['llama.block_count', 'u32', 1],
    ['llama.feed_forward_length', 'u32', hidden],
    ['llama.attention.head_count', 'u32', HEADS],
    ['llama.attention.layer_norm_rms_epsilon', 'f32', 1e-5],
    ['llama.rope.dimension_count', 'u32', WIDTH / HEADS],
    ['tokenizer.ggml.model', 'string', 'llama'],
    ['tokenizer.ggml.tokens', 'array', ['string', tokens]],
    ['tokenizer.ggml.scores', 'array', ['f32', tokens.map((_, at) => -at)]],
    ['tokenizer.ggml.token_type', 'array', ['i32', kinds]],
    ['tokenizer.ggml.bos_token_id', 'u32', 1],
    ['tokenizer.ggml.eos_token_id', 'u32', 2],
  ];
  const tensors = [
    ['token_embd.weight', WIDTH, tokens.length],
    ['output_norm.weight', WIDTH],
    ['output.weight', WIDTH, tokens.length],
    ['blk.0.attn_norm.weight', WIDTH],
    ...['q', 'k', 'v', 'output'].map((name) => [`blk.0.attn_${name}.weight`, WIDTH, WIDTH]),
    ['blk.0.ffn_norm.weight', WIDTH],
    ['blk.0.ffn_gate.weight', WIDTH, hidden],
    ['blk.0.ffn_up.weight', WIDTH, hidden],
    ['blk.0.ffn_down.weight', hidden, WIDTH],
  ];
  const data = tensors.map(([name, ...dims]) => weights(name, dims));
  let offset = 0;
  const infos = tensors.map(([name, ...dims], at) => {
    const info = [text(name), u32(dims.length), ...dims.map(u64), u32(0), u64(offset)];
    offset += data[at].length;
    return Buffer.concat(info);
  });
  const head = Buffer.concat([
    Buffer.from('GGUF'),
    ...[u32(3), u64(tensors.length), u64(metadata.length)],
    ...metadata.map(([key, type, value]) =>
      Buffer.concat([text(key), u32(TYPES[type]), encoded(type, value)]),
    ),
    ...infos,
  ]);
  writeFileSync(path, Buffer.concat([padded(head), ...data]));
}

/** The same at every run. Nothing speaks for the end token: a generation never ends by itself. */
function weights(name, dims) {
  const values = new Float32Array(dims.reduce((product, size) => product * size));
  let seed = name.length * 7919;
  for (let at = 0; at < values.length; at += 1) {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    const isSpecial = name === 'output.weight' && at < 3 * WIDTH;
    values[at] = name.includes('norm') ? 1 : isSpecial ? 0 : seed / 2_147_483_648 - 0.5;
  }
  return padded(Buffer.from(values.buffer));
}

function encoded(type, value) {
  if (type === 'string') return text(value);
  if (type === 'array') {
    const [of, items] = value;
    const encodedItems = items.map((item) => encoded(of, item));
    return Buffer.concat([u32(TYPES[of]), u64(items.length), ...encodedItems]);
  }
  return type === 'f32' ? Buffer.from(Float32Array.of(value).buffer) : u32(value);
}

function text(value) {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
}

const u32 = (value) => Buffer.from(Uint32Array.of(value).buffer);
const u64 = (value) => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);
const hex = (value) => value.toString(16).toUpperCase().padStart(2, '0');
const padded = (buffer) => Buffer.concat([buffer, Buffer.alloc((32 - (buffer.length % 32)) % 32)]);
