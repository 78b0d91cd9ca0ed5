/** The example's model file is a valid one, of the real model's size, also when two make it at once. */

import { mkdtemp, open, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { readSafetensorsHeader } from '../../../lib/models/safetensors/header.js';

const EXAMPLE = pathToFileURL(path.resolve('examples/minilm.mjs')).href;

/** `model.safetensors` of sentence-transformers/all-MiniLM-L6-v2. */
const REAL_SIZE = 90_868_376;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'minilm-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe('ensureMiniLM', () => {
  it('makes the file once, whole', async () => {
    const { ensureMiniLM } = (await import(EXAMPLE)) as {
      ensureMiniLM: (folder: string) => Promise<string>;
    };
    const models = path.join(folder, 'models');
    const [file, same] = await Promise.all([ensureMiniLM(models), ensureMiniLM(models)]);
    expect(same).toBe(file);
    expect(await readdir(models)).toEqual([path.basename(file)]);
    const made = await stat(file);
    expect(made.size).toBe(REAL_SIZE);

    await ensureMiniLM(models);
    expect((await stat(file)).ino).toBe(made.ino);

    const handle = await open(file);
    const { tensors, metadata } = await readSafetensorsHeader(handle);
    await handle.close();
    expect(tensors.size).toBe(104);
    expect(metadata.get('format')).toBe('pt');
    expect(tensors.get('embeddings.word_embeddings.weight')?.shape).toEqual([30_522, 384]);
  });
});
