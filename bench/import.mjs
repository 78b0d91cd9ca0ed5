// What importing costs over a module that is empty, by whole processes: `npm run bench:import`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { roundsFromArguments, timeInterleaved } from './interleaved.mjs';

function runs(program) {
  return async () => {
    const startedAt = performance.now();
    const file = path.join(import.meta.dirname, 'programs', program);
    const [code] = await once(spawn(process.execPath, [file], { stdio: 'inherit' }), 'exit');
    if (code !== 0) throw new Error(`Expected ${program} to end with 0, got ${code}`);
    return performance.now() - startedAt;
  };
}

await timeInterleaved(
  'Import',
  {
    'an empty module': runs('empty.mjs'),
    'close-with-grace': runs('import-close-with-grace.mjs'),
    'cuda-shutdown': runs('import-cuda-shutdown.mjs'),
  },
  roundsFromArguments(40),
);
