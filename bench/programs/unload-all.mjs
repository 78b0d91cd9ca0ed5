// Loads FOLDER/MODELS.safetensors MODELS times, spread over DEVICES devices, and unloads all of them;
// ROUNDS times. Prints the milliseconds of each unloadAll() as JSON.
import path from 'node:path';
import { loadModel, ModelRegistry } from '../../dist/index.js';

const [folder, ...numbers] = process.argv.slice(2);
const [models, devices, rounds] = numbers.map(Number);
const file = path.join(folder, `${models}.safetensors`);
const times = [];
for (let round = -3; round < rounds; round += 1) {
  const registry = new ModelRegistry();
  for (let index = 0; index < models; index += 1) {
    registry.add(
      await loadModel(file, { name: `model ${index}`, device: `cuda:${index % devices}` }),
    );
  }
  const { unloaded, durationMs } = await registry.unloadAll();
  if (unloaded.length !== models) throw new Error(`${unloaded.length} of ${models} unloaded`);
  if (round >= 0) times.push(durationMs);
}
console.log(JSON.stringify(times));
