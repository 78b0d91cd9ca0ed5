/**
 * One process's share of the header inputs: reads each with the package's reader, and holds what it says
 * against the judge. Prints one line of JSON a block; throws, with the seed, at the first disagreement.
 */

import fc from 'fast-check';
import type { FileHandle } from 'node:fs/promises';

import { SafetensorsError } from '../../../lib/common/errors.js';
import {
  readSafetensorsHeader,
  type SafetensorsHeader,
} from '../../../lib/models/safetensors/header.js';
import { mutatedFile, validFile } from '../../models/safetensors/mutations.js';
import { judge, type Verdict } from './judge.js';

const BLOCK = 1000;
/** A header takes some 20 µs; this is for what grows with the square of its length. */
const LIMIT_MS = 10_000;

const input = fc.oneof({ arbitrary: mutatedFile, weight: 19 }, { arbitrary: validFile, weight: 1 });

/** The file, without a file system. */
function handleOf(file: Uint8Array): FileHandle {
  return {
    stat: () => Promise.resolve({ size: file.length }),
    read: (buffer: Uint8Array, offset: number, length: number, position: number) => {
      const part = file.subarray(position, position + length);
      buffer.set(part, offset);
      return Promise.resolve({ bytesRead: part.length });
    },
  } as unknown as FileHandle;
}

/** `taken`, or the reason of the refusal. */
async function endOf(file: Uint8Array): Promise<string> {
  const verdict = judge(file);
  let header: SafetensorsHeader;
  try {
    header = await readSafetensorsHeader(handleOf(file));
  } catch (error) {
    if (!(error instanceof SafetensorsError)) throw error;
    if (verdict.valid === true) throw new Error('A valid file is refused', { cause: error });
    return error.reason;
  }
  if (verdict.valid === false) throw new Error('An invalid file is taken');
  expectAgreement(header, verdict, file.length);
  return verdict.valid === undefined ? 'taken, where the judge abstained' : 'taken';
}

/** Also where the judge abstained: what JSON.parse made of the text is what the reader made of it. */
function expectAgreement(header: SafetensorsHeader, verdict: Verdict, fileSize: number): void {
  const { tensors, dataStart } = header;
  if (tensors.size !== verdict.tensors.size) throw new Error(`${tensors.size} tensors are taken`);
  let covered = dataStart;
  for (const [name, { name: own, dtype, shape, bytes, offset }] of tensors) {
    const judged = verdict.tensors.get(name);
    const same =
      own === name &&
      judged?.dtype === dtype &&
      judged.shape.length === shape.length &&
      judged.shape.every((dimension, index) => dimension === Number(shape[index])) &&
      offset === dataStart + judged.start &&
      bytes === judged.end - judged.start &&
      offset === covered;
    if (!same) throw new Error(`Tensor ${JSON.stringify(name)} is another`);
    covered += bytes;
  }
  if (covered !== fileSize) throw new Error(`${covered} bytes are covered of ${fileSize}`);
}

async function block(seed: number, runs: number): Promise<Record<string, number>> {
  const ends: Record<string, number> = {};
  const property = fc.asyncProperty(input, async (file) => {
    const startedAt = process.cpuUsage();
    const end = await endOf(file);
    // Not the time that passed: the machine may be another's for seconds.
    const { user, system } = process.cpuUsage(startedAt);
    if (user + system > LIMIT_MS * 1000) throw new Error('It took too long');
    ends[end] = (ends[end] ?? 0) + 1;
  });
  await fc.assert(property, { numRuns: runs, seed });
  return ends;
}

const [firstSeed = 0, inputs = BLOCK, seconds = Infinity] = process.argv.slice(2).map(Number);
const endsAt = performance.now() + seconds * 1000;
for (let done = 0, seed = firstSeed; done < inputs && performance.now() < endsAt; seed += 1) {
  const ends = await block(seed, Math.min(BLOCK, inputs - done));
  process.stdout.write(`${JSON.stringify(ends)}\n`);
  done += BLOCK;
}
