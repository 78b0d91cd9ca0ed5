// How a service ends, tested on a machine without a GPU: node --test examples/testing/
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { readLastShutdown } from 'cuda-shutdown';
import { readLedger, simulatedEnvironment } from 'cuda-shutdown/testing';

const folder = await mkdtemp(path.join(tmpdir(), 'service-'));
after(() => rm(folder, { recursive: true }));

/** A model of 16 tensors of 1,024 bytes each. */
async function modelFile() {
  const tensor = (_, index) => [
    `tensor${index}`,
    { dtype: 'U8', shape: [1024], data_offsets: [index * 1024, (index + 1) * 1024] },
  ];
  const header = Buffer.from(
    JSON.stringify(Object.fromEntries(Array.from({ length: 16 }, tensor))),
  );
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const file = path.join(folder, 'model.safetensors');
  await writeFile(file, Buffer.concat([length, header, Buffer.alloc(16 * 1024)]));
  return file;
}

/** Starts the service, stops it with SIGTERM, and answers how it ended. */
async function stopped(name, faults) {
  const reports = path.join(folder, name);
  const ledger = path.join(folder, `${name}.ledger`);
  const service = path.join(import.meta.dirname, 'service.mjs');
  const child = spawn(process.execPath, [service, await modelFile(), reports], {
    env: simulatedEnvironment({ devices: 1, faults, ledger }),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data'); // It listens.
  child.kill('SIGTERM');
  const [code] = await once(child, 'close');
  return {
    code,
    report: (await readLastShutdown(reports)).report,
    device: readLedger(ledger).devices[0],
  };
}

test('it gives its memory back', async () => {
  const { code, report, device } = await stopped('well', []);
  assert.equal(code, 0);
  assert.equal(report.outcome, 'clean');
  assert.equal(device.usedBytes, 0);
});

test('a free that hangs costs its own model only, and is named', async () => {
  const { code, report, device } = await stopped('hung', ['cudaFreeAsync#4=hang']);
  assert.equal(code, 1);
  assert.deepEqual(
    report.steps.map(({ name, status }) => [name, status]),
    [
      ['http', 'ok'],
      ['models', 'failed'],
      ['cuda', 'ok'],
    ],
  );
  assert.match(report.errors[0].message, /embedder.* stuck inside a CUDA call/);
  assert.equal(device.totalFrees, 3);
});
