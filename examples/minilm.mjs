// Makes a model file of a real size: the tensors of sentence-transformers/all-MiniLM-L6-v2
// (6 layers, 384 wide), by name, dtype and shape, filled with numbers that mean nothing.

import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';

const LAYERS = 6;
const HIDDEN = 384;
const INTERMEDIATE = 1536;
const VOCABULARY = 30522;
const POSITIONS = 512;
const CHUNK_BYTES = 4 * 1024 * 1024;

/** Writes the file into `folder`, unless it is there already. Resolves to its path. */
export async function ensureMiniLM(folder) {
  const file = path.join(folder, 'all-MiniLM-L6-v2.safetensors');
  const { header, dataBytes } = layout(tensors());
  const size = header.length + dataBytes;
  if ((await sizeOf(file)) === size) return file;

  // Under a name of its own and then renamed: nobody ever sees half a file.
  await mkdir(folder, { recursive: true });
  const unfinished = `${file}.${randomUUID()}.tmp`;
  try {
    await write(unfinished, header, dataBytes);
    await rename(unfinished, file);
  } finally {
    await rm(unfinished, { force: true });
  }
  return file;
}

function tensors() {
  const list = [];
  const add = (name, shape, dtype = 'F32') => list.push({ name, dtype, shape });
  const linear = (name, inputs, outputs) => {
    add(`${name}.weight`, [outputs, inputs]);
    add(`${name}.bias`, [outputs]);
  };
  const norm = (name) => {
    add(`${name}.weight`, [HIDDEN]);
    add(`${name}.bias`, [HIDDEN]);
  };

  add('embeddings.position_ids', [1, POSITIONS], 'I64');
  add('embeddings.word_embeddings.weight', [VOCABULARY, HIDDEN]);
  add('embeddings.position_embeddings.weight', [POSITIONS, HIDDEN]);
  add('embeddings.token_type_embeddings.weight', [2, HIDDEN]);
  norm('embeddings.LayerNorm');
  for (let i = 0; i < LAYERS; i += 1) {
    const layer = `encoder.layer.${i}`;
    for (const part of ['query', 'key', 'value']) {
      linear(`${layer}.attention.self.${part}`, HIDDEN, HIDDEN);
    }
    linear(`${layer}.attention.output.dense`, HIDDEN, HIDDEN);
    norm(`${layer}.attention.output.LayerNorm`);
    linear(`${layer}.intermediate.dense`, HIDDEN, INTERMEDIATE);
    linear(`${layer}.output.dense`, INTERMEDIATE, HIDDEN);
    norm(`${layer}.output.LayerNorm`);
  }
  linear('pooler.dense', HIDDEN, HIDDEN);
  return list;
}

/** A safetensors header: the length of a JSON text in 8 bytes, then the text. */
function layout(list) {
  const bytesOf = { I64: 8, F32: 4 };
  // The widest dtype first, then by name, as the safetensors library writes them.
  list.sort((a, b) => bytesOf[b.dtype] - bytesOf[a.dtype] || (a.name < b.name ? -1 : 1));

  const json = { __metadata__: { format: 'pt' } };
  let dataBytes = 0;
  for (const { name, dtype, shape } of list) {
    const end = dataBytes + shape.reduce((a, b) => a * b) * bytesOf[dtype];
    json[name] = { dtype, shape, data_offsets: [dataBytes, end] };
    dataBytes = end;
  }
  let text = JSON.stringify(json);
  text = text.padEnd(Math.ceil(text.length / 8) * 8);

  const header = Buffer.alloc(8 + text.length);
  header.writeBigUInt64LE(BigInt(text.length));
  header.write(text, 8);
  return { header, dataBytes };
}

async function write(file, header, dataBytes) {
  const noise = pseudoRandom(CHUNK_BYTES);
  const handle = await open(file, 'wx');
  try {
    await handle.writeFile(header);
    for (let left = dataBytes; left > 0; left -= CHUNK_BYTES) {
      await handle.writeFile(noise.subarray(0, Math.min(left, CHUNK_BYTES)));
    }
  } finally {
    await handle.close();
  }
}

/** Marsaglia's xorshift: the same numbers on every machine, each a float from 1 to 2. */
function pseudoRandom(bytes) {
  const words = new Uint32Array(bytes / 4);
  let x = 2463534242;
  for (let i = 0; i < words.length; i += 1) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    words[i] = 0x3f800000 | (x >>> 9);
  }
  return Buffer.from(words.buffer);
}

async function sizeOf(file) {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}
