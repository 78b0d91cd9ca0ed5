/**
 * The code in the documents. A block whose first line is a comment with a file name is a whole program:
 * it is copied out and run as the document says. Every other block at least parses, and imports names
 * that the package has.
 */

import { describe, expect, test } from '@jest/globals';
import { transform } from 'esbuild';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { makeFolder } from '../support/folder.js';
import { documents, readDocument, type Block } from '../support/markdown.js';
import { root } from '../support/package-copy.js';
import { writeSafetensors } from '../support/safetensors.js';

const blocks = documents().flatMap(({ blocks: of }) => of);
const code = blocks.filter(({ language }) => /^(js|mjs|ts)$/.test(language));

/** `service.mjs`, where the block begins with `// service.mjs`. */
function fileName({ text }: Block): string | undefined {
  return /^\/\/ ([\w-]+(?:\.[\w-]+)*\.mjs)$/m.exec(text.split('\n')[0] ?? '')?.[1];
}

/** A folder with the programs of a document, in which the package is installed. */
function appOf(path: string): string {
  const folder = makeFolder();
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules/cuda-shutdown'));
  for (const block of readDocument(path).blocks) {
    const name = fileName(block);
    if (name !== undefined) writeFileSync(join(folder, name), block.text);
  }
  return folder;
}

function environment(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, CUDA_SHUTDOWN_BACKEND: 'simulated' };
  delete env.NODE_OPTIONS;
  // Node's test runner inside a runner that is not its own.
  delete env.NODE_TEST_CONTEXT;
  return env;
}

const sixTensors = Array.from({ length: 6 }, (_, index) => ({
  name: `tensor${index}`,
  dtype: 'U8' as const,
  shape: [1024],
}));

/** A port that nobody has at this moment. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

/** The documents say 8080, which may be taken here. */
function listenOn(port: number, file: string): void {
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll('8080', String(port)));
}

describe('code', () => {
  test.each(code.map((block) => [block.at, block] as const))(
    'of %s parses',
    async (_, { text }) => {
      // A fragment may await, and return nothing.
      await expect(transform(text, { loader: 'ts', format: 'esm' })).resolves.toBeDefined();
    },
  );

  test('imports names that the package has', async () => {
    const names: Record<string, object> = {
      'cuda-shutdown': await import('../../lib/index.js'),
      'cuda-shutdown/testing': await import('../../lib/testing/index.js'),
    };
    const imported = code.flatMap(({ at, text }) =>
      [...text.matchAll(/import \{([^}]*)\} from '(cuda-shutdown(?:\/testing)?)'/g)].flatMap(
        ([, list = '', from = '']) =>
          list
            .split(',')
            .map((name) => name.trim())
            .filter((name) => name !== '')
            .map((name) => ({ at, name, there: name in (names[from] ?? {}) })),
      ),
    );
    expect(imported.length).toBeGreaterThan(10);
    expect(imported.filter(({ there }) => !there)).toEqual([]);
  });
});

test('every whole program is one that is run here', () => {
  const named = code.flatMap((block) => fileName(block) ?? []);
  expect(named.toSorted()).toEqual(
    ['last.mjs', 'make-model.mjs', 'service.mjs', 'service.mjs', 'unload.test.mjs'].toSorted(),
  );
});

test('the quick start does what it says, command by command', async () => {
  const app = appOf('docs/quick-start.md');
  const port = await freePort();
  const [, ...commands] = readDocument('docs/quick-start.md').blocks.filter(
    ({ language }) => language === 'sh',
  );
  // The first installs the package, which appOf() has done. The port is another one here.
  const script = commands.map(({ text }) => text).join('');
  listenOn(port, join(app, 'service.mjs'));
  const { stdout, stderr } = await promisify(execFile)(
    'bash',
    ['-uc', script.replaceAll('8080', String(port))],
    { cwd: app, env: environment() },
  );
  expect(stderr).toBe('');
  expect(
    stdout.split('\n').filter((line) => /^(demo: |exit code|clean|degraded)/.test(line)),
  ).toEqual([
    'demo: 16384 bytes on device 0',
    'exit code 0',
    'clean 0 SIGTERM',
    'exit code 1',
    'degraded 1 SIGTERM',
  ]);
});

test('the service of the README runs, answers and ends well', async () => {
  const app = appOf('README.md');
  const port = await freePort();
  await writeSafetensors(join(app, 'model.safetensors'), sixTensors);
  const file = join(app, 'service.mjs');
  listenOn(port, file);
  const child = spawn(process.execPath, [file], { cwd: app, env: environment(), stdio: 'ignore' });
  const ended = once(child, 'exit');
  const answer = await answers(port, child);
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
  expect(answer).toBe('model: 6144 bytes on device 0\n');
});

/** The answer of a server that is about to listen. */
async function answers(port: number, child: { readonly exitCode: number | null }): Promise<string> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`The service ended with ${child.exitCode}`);
    try {
      return await (await fetch(`http://127.0.0.1:${port}`)).text();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

test('the test in the page on testing passes', async () => {
  const app = appOf('docs/testing.md');
  await writeSafetensors(join(app, 'model.safetensors'), sixTensors);
  const run = promisify(execFile)(process.execPath, ['--test', 'unload.test.mjs'], {
    cwd: app,
    env: environment(),
  });
  const { stdout } = await run;
  expect(stdout).toMatch(/^# pass 1$|ℹ pass 1/m);
});
