// Real shutdowns whose evidence the page is made of. Each in a process of its own, into a folder of its own.

import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

const run = (script) => path.join(root, 'test/fixtures', `page-${script}`);
const demo = path.join(root, 'examples/demo.mjs');

/** What each is called, and how it comes about. */
const SHUTDOWNS = {
  clean: async (folder) => {
    await node([demo, `--out=${folder}`], {});
    return path.join(folder, 'reports');
  },
  hang: async (folder) => {
    await node([demo, '--hang', `--out=${folder}`], {});
    return path.join(folder, 'reports');
  },
  large: async (folder) => {
    const sizes = [3, 9, 5, 7, 2, 12, 4, 6].map((mib) => mib * 2 ** 20);
    const files = await Promise.all(sizes.map((bytes, index) => modelFile(folder, index, bytes)));
    await node([run('large.mjs'), folder, ...files], {
      CUDA_SHUTDOWN_BACKEND: 'simulated',
      CUDA_SHUTDOWN_SIM_DEVICES: '4',
      CUDA_SHUTDOWN_SIM_FAULTS: 'cudaFreeAsync=slow:2',
    });
    return folder;
  },
  failing: async (folder) => {
    await node([run('failing.mjs'), folder], {});
    return folder;
  },
  blocked: async (folder) => {
    await node([run('blocked.mjs'), folder], {});
    return folder;
  },
};

export const NAMES = Object.keys(SHUTDOWNS);

/** Resolves to the folder that holds the report and the journal. */
export async function shutdown(name, folder) {
  const own = path.join(folder, name);
  await mkdir(own, { recursive: true });
  return SHUTDOWNS[name](own);
}

/** Resolves to stdout, whatever the exit code. */
export function node(args, env) {
  return new Promise((resolve, reject) => {
    const options = { env: { ...process.env, ...env }, maxBuffer: 2 ** 28, timeout: 60_000 };
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') reject(error);
      else resolve({ code: error?.code ?? 0, stdout, stderr });
    });
  });
}

/** A safetensors file of 16 equal tensors. */
async function modelFile(folder, index, bytes) {
  const size = bytes / 16;
  const header = Object.fromEntries(
    Array.from({ length: 16 }, (_, at) => [
      `block.${at}.weight`,
      { dtype: 'U8', shape: [size], data_offsets: [at * size, (at + 1) * size] },
    ]),
  );
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const file = path.join(folder, `model-${index}.safetensors`);
  await writeFile(file, Buffer.concat([length, text, Buffer.alloc(bytes)]));
  return file;
}
