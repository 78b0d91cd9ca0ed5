// How unloadAll() grows: with the number of models, and, for the same bytes, with models and devices.
import path from 'node:path';
import { interleaved } from './interleaved.mjs';
import { writeModelFile } from './model-file.mjs';
import { startAnswering } from './reference.mjs';
import { rowsAgainst } from './rows.mjs';

const TENSOR_BYTES = 8192;
const ALL_TENSORS = 8192;
const program = path.join(import.meta.dirname, 'programs/unload-all.mjs');

function start(folder, models, devices, tensors) {
  const file = path.join(folder, `${tensors}.safetensors`);
  writeModelFile(file, tensors, TENSOR_BYTES);
  const env = {
    ...process.env,
    CUDA_SHUTDOWN_BACKEND: 'simulated',
    CUDA_SHUTDOWN_SIM_DEVICES: String(devices),
  };
  return startAnswering(process.execPath, [program, file, String(models), String(devices)], env);
}

/** Milliseconds of unloadAll() by the name of the setting. */
async function measure(settings, rounds) {
  const running = Object.fromEntries(
    await Promise.all(
      Object.entries(settings).map(async ([name, starting]) => [name, await starting]),
    ),
  );
  const took = await interleaved(
    Object.fromEntries(Object.entries(running).map(([name, { time }]) => [name, time])),
    rounds,
    3,
  );
  for (const { end } of Object.values(running)) end();
  return took;
}

export async function run({ quick, folder }) {
  const rounds = quick ? 3 : 20;
  const counts = quick ? [1, 16, 256] : [1, 16, 256, 1024, 4096];
  const growing = await measure(
    Object.fromEntries(counts.map((models) => [models, start(folder, models, 1, 2)])),
    rounds,
  );
  const perModel = (models) => growing[models].map((ms) => (1000 * ms) / models);
  const scaling = counts.slice(1).flatMap((models, index) => {
    const fewer = counts[index];
    const reference = { [`${fewer} of them`]: perModel(fewer) };
    return rowsAgainst(`unloadAll() of ${models}, a model`, 'µs', perModel(models), reference);
  });

  const spread = {};
  for (const models of [1, 16, 256]) {
    for (const devices of [1, 2, 8]) {
      if (models < devices) continue;
      spread[`${models} on ${devices}`] = start(folder, models, devices, ALL_TENSORS / models);
    }
  }
  const { '1 on 1': alone, ...others } = await measure(spread, rounds);
  return [
    ...scaling,
    ...Object.entries(others).flatMap(([name, values]) => {
      const what = `unloadAll() of 64 MiB in 8,192 tensors, split in ${name.replace(' on ', ' models, devices: ')}`;
      return rowsAgainst(what, 'ms', values, { '1 model on 1 device': alone });
    }),
  ];
}
