// Writes small ONNX models: as much of the protobuf messages of onnx.proto as they need.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const FLOAT = 1;
const INT64 = 7;

/** `result` is `x` multiplied by itself, `steps` times in one run: as long a run as is wanted. */
export function writeProducts(file, { size, steps }) {
  const scaled = { name: 'scale', dims: [1], values: Float32Array.of(1 / size) };
  const nodes = Array.from({ length: steps }, (_, at) => [
    node('MatMul', [at === 0 ? 'x' : `s${at}`, 'x'], [`p${at + 1}`]),
    node('Mul', [`p${at + 1}`, 'scale'], [at === steps - 1 ? 'result' : `s${at + 1}`]),
  ]).flat();
  const matrix = { type: FLOAT, dims: [size, size] };
  write(file, nodes, [scaled], { x: matrix }, { result: matrix });
}

/** A folder that transformers.js takes for a BERT: embeddings, one dense layer, a tokenizer of letters. */
export function writeBert(folder, width = 32) {
  const vocab = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', ...'abcdefghijklmnopqrstuvwxyz'];
  const count = vocab.length * width;
  const words = { name: 'words', dims: [vocab.length, width], values: waves(count) };
  const dense = { name: 'dense', dims: [width, width], values: waves(width * width) };
  const nodes = [
    node('Gather', ['words', 'input_ids'], ['embedded']),
    node('MatMul', ['embedded', 'dense'], ['product']),
    node('Tanh', ['product'], ['last_hidden_state']),
  ];
  const ids = { type: INT64, dims: ['batch', 'sequence'] };
  const hidden = { type: FLOAT, dims: ['batch', 'sequence', width] };
  const inputs = { input_ids: ids, attention_mask: ids, token_type_ids: ids };
  mkdirSync(path.join(folder, 'onnx'), { recursive: true });
  const file = path.join(folder, 'onnx', 'model.onnx');
  write(file, nodes, [words, dense], inputs, { last_hidden_state: hidden });
  const json = (name, value) => writeFileSync(path.join(folder, name), JSON.stringify(value));
  json('config.json', { model_type: 'bert', architectures: ['BertModel'], hidden_size: width });
  json('tokenizer_config.json', { tokenizer_class: 'BertTokenizer', model_max_length: 64 });
  json('tokenizer.json', {
    version: '1.0',
    added_tokens: vocab.slice(0, 5).map((content, id) => ({ id, content, special: true })),
    normalizer: { type: 'BertNormalizer', lowercase: true },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: null,
    decoder: null,
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(vocab.map((word, id) => [word, id])),
    },
  });
}

function write(file, nodes, initializers, inputs, outputs) {
  const graph = [
    ...nodes.map((each) => field(1, each)),
    field(2, 'graph'),
    ...initializers.map((each) => field(5, tensor(each))),
    ...Object.entries(inputs).map(([name, each]) => field(11, valueInfo(name, each))),
    ...Object.entries(outputs).map(([name, each]) => field(12, valueInfo(name, each))),
  ];
  const opset = field(8, field(2, 17));
  writeFileSync(file, Buffer.concat([field(1, 8), field(7, Buffer.concat(graph)), opset]));
}

function node(type, inputs, outputs) {
  const named = [...inputs.map((each) => field(1, each)), ...outputs.map((each) => field(2, each))];
  return Buffer.concat([...named, field(4, type)]);
}

function tensor({ name, dims, values }) {
  const sizes = dims.map((size) => field(1, size));
  return Buffer.concat([
    ...sizes,
    field(2, FLOAT),
    field(8, name),
    field(9, Buffer.from(values.buffer)),
  ]);
}

function valueInfo(name, { type, dims }) {
  const sizes = dims.map((size) => field(1, field(typeof size === 'string' ? 2 : 1, size)));
  const shape = field(2, Buffer.concat(sizes));
  return Buffer.concat([
    field(1, name),
    field(2, field(1, Buffer.concat([field(1, type), shape]))),
  ]);
}

/** One protobuf field: a number as a varint, text and bytes with their length. */
function field(number, value) {
  if (typeof value === 'number') return Buffer.concat([varint(number << 3), varint(value)]);
  const bytes = Buffer.from(value);
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
}

function varint(value) {
  const bytes = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return Buffer.from([...bytes, value]);
}

const waves = (count) => Float32Array.from({ length: count }, (_, at) => Math.sin(at));
