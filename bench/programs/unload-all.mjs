// Loads FILE MODELS times, spread over DEVICES devices, and unloads all of them: once for each line on
// stdin. Answers the milliseconds of unloadAll().
import { createInterface } from 'node:readline';
import { loadModel, ModelRegistry } from '../../dist/index.js';

const [file, ...numbers] = process.argv.slice(2);
const [models, devices] = numbers.map(Number);

for await (const line of createInterface({ input: process.stdin })) {
  if (line !== '') continue;
  const registry = new ModelRegistry();
  for (let index = 0; index < models; index += 1) {
    const device = `cuda:${index % devices}`;
    registry.add(await loadModel(file, { name: `model ${index}`, device }));
  }
  const { unloaded, durationMs } = await registry.unloadAll();
  if (unloaded.length !== models) throw new Error(`${unloaded.length} of ${models} unloaded`);
  console.log(durationMs);
}
