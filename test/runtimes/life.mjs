// A process that loads a model of the runtime argv[2], and lives through the situation argv[3].
import { setImmediate as turn } from 'node:timers/promises';
import { createShutdown, ModelRegistry, ModelStateError, unloadModels } from '../../dist/index.js';

const [, , runtime, situation] = process.argv;
const { load } = await import(`./runtimes/${runtime}.mjs`);
const tell = (told) => console.log(`told ${JSON.stringify(told)}`);

/** Four at a time, until the model refuses. */
async function underLoad({ work }, onFirst) {
  const counts = { answered: 0, refused: 0, errors: [] };
  const worker = async () => {
    for (;;) {
      try {
        await work();
        counts.answered += 1;
        onFirst();
      } catch (error) {
        if (error instanceof ModelStateError) counts.refused += 1;
        else counts.errors.push(`${error.name}: ${error.message}`);
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: 4 }, worker));
  return counts;
}

function install(...models) {
  const registry = new ModelRegistry();
  for (const { model } of models) registry.add(model);
  createShutdown({ timeoutMs: 60_000, console: false }).add(unloadModels(registry)).install();
}

const situations = {
  async idle() {
    const { model, work } = await load('m');
    await work();
    tell(await model.unload());
  },
  async load() {
    const loaded = await load('m');
    let unloading;
    const counts = await underLoad(loaded, () => (unloading ??= loaded.model.unload()));
    tell({ counts, result: await unloading });
  },
  async run() {
    const { model, work } = await load('m');
    const running = work();
    const unloading = model.unload();
    const refused = await work().catch((error) => error.code);
    tell({ answer: await running, refused, result: await unloading });
  },
  async twice() {
    const { model } = await load('m');
    const results = await Promise.all([model.unload(), model.unload()]);
    tell([...results, await model.unload()].map(({ status }) => status));
  },
  async sigterm() {
    const loaded = await load('m');
    install(loaded);
    const counts = await underLoad(loaded, () => console.log('working'));
    tell({ counts });
  },
  /** A generation that would never end. */
  async generation() {
    const loaded = await load('m');
    install(loaded);
    const { work } = loaded;
    const onTextChunk = () => console.log('working');
    tell(
      await work({ maxTokens: Infinity, onTextChunk }).catch(({ name, message }) => [
        name,
        message,
      ]),
    );
  },
  /** `unloaded` or `control`: what the process holds with four models used, then unloaded or not. */
  async memory() {
    const models = [];
    for (let at = 0; at < 4; at += 1) models.push(await load(`m${at}`));
    for (const { work } of models) await work();
    const before = await rss();
    if (process.argv[4] === 'unloaded') for (const { model } of models) await model.unload();
    tell({ before, after: await rss(), models: models.length });
  },
};

async function rss() {
  for (let at = 0; at < 5; at += 1) {
    globalThis.gc();
    await turn();
  }
  return process.memoryUsage.rss();
}

await situations[situation]();
