/** The packed package, elsewhere: both module systems load it, and it has what it needs. */

import { beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { makeFolder } from '../support/folder.js';
import { copyInto, linkDependencies, root } from '../support/package-copy.js';

const app = makeFolder();
const installed = join(app, 'node_modules/cuda-shutdown');
let files: string[];

beforeAll(() => {
  const packed = execFileSync(
    'npm',
    ['pack', '--ignore-scripts', '--json', '--pack-destination', app],
    { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const [tarball] = JSON.parse(packed) as [{ filename: string; files: { path: string }[] }];
  files = tarball.files.map(({ path }) => path);
  // As npm install --ignore-scripts would, without its network.
  linkDependencies(app);
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', [
    '-xzf',
    join(app, tarball.filename),
    '-C',
    installed,
    '--strip-components=1',
  ]);
  cpSync(join(root, 'build/Release'), join(installed, 'build/Release'), { recursive: true });
}, 60_000);

/** What a script prints that runs in the app. */
function run(type: 'module' | 'commonjs', script: string): string {
  const env = { ...process.env, CUDA_SHUTDOWN_BACKEND: 'simulated', NODE_OPTIONS: '' };
  const args = [`--input-type=${type}`, '--eval', script];
  return execFileSync(process.execPath, args, { cwd: app, env, encoding: 'utf8' });
}

describe('the tarball', () => {
  test.each([
    'package.json',
    'LICENSE',
    'dist/index.js',
    'dist/index.d.ts',
    'CMakeLists.txt',
    'native/addon/addon.cc',
    'native/core/runtime.cc',
    'native/simulator/api.cc',
  ])('has %s', (path) => {
    expect(files).toContain(path);
  });

  test('has no tests, no binaries and no sources of the control layer', () => {
    expect(files.filter((path) => /^(test|lib|build|examples)\/|\.node$/.test(path))).toEqual([]);
  });

  test('has every native source that the build names', () => {
    const tracked = execFileSync('find', ['native', '-type', 'f'], { cwd: root, encoding: 'utf8' });
    expect(files).toEqual(expect.arrayContaining(tracked.trim().split('\n')));
  });
});

describe('import and require()', () => {
  const names = (script: string): string =>
    `${script}; console.log(JSON.stringify(Object.keys(m).sort()))`;
  const IMPORT = "const m = await import('cuda-shutdown')";
  const REQUIRE = "const m = require('cuda-shutdown')";

  test('give the same names', () => {
    const imported = JSON.parse(run('module', names(IMPORT))) as string[];
    const required = JSON.parse(run('commonjs', names(REQUIRE))) as string[];
    expect(imported).toEqual(expect.arrayContaining(['createShutdown', 'cuda', 'loadModel']));
    expect(required.filter((name) => name !== '__esModule')).toEqual(imported);
  });

  test.each([
    ['module', IMPORT],
    ['commonjs', REQUIRE],
  ] as const)('%s: the addon loads when it is used', (type, script) => {
    expect(run(type, `${script}; console.log(m.cuda.backend)`)).toBe('simulated\n');
  });

  test('an error of one is an instance of the other', () => {
    const script = `
      import { createRequire } from 'node:module';
      import { CudaError } from 'cuda-shutdown';
      const required = createRequire(import.meta.url)('cuda-shutdown');
      const details = { cudaCode: 1, cudaName: 'x', call: 'y', device: 0, sticky: false };
      console.log(new CudaError('z', details) instanceof required.CudaError);`;
    expect(run('module', script.replace('import.meta.url', `'file://${app}/x.js'`))).toBe('true\n');
  });

  test('what it exports is called as it is exported, also where an error is shown', () => {
    const script = `
      import { inspect } from 'node:util';
      import * as all from 'cuda-shutdown';
      const named = Object.entries(all).filter(([, value]) => typeof value === 'function');
      const shown = inspect(new all.ModelStateError('x', 'lost'));
      console.log(named.filter(([key, { name }]) => name !== key).length, shown.split('\\n')[0]);`;
    expect(run('module', script)).toBe('0 ModelStateError: x\n');
  });

  test('only the documented paths can be imported', () => {
    const script = `console.log(await import('cuda-shutdown/dist/index.js').catch(({ code }) => code))`;
    expect(run('module', script)).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED\n');
  });
});

describe('an import', () => {
  test('loads no addon', () => {
    const script = `
      import { readFileSync } from 'node:fs';
      import { cuda } from 'cuda-shutdown';
      const loaded = () => /cuda_shutdown\\w*\\.node/.test(readFileSync('/proc/self/maps', 'utf8'));
      console.log(loaded(), cuda.backend, loaded());`;
    expect(run('module', script)).toBe('false simulated true\n');
  });

  test('works without the libraries that are loaded when used: winston, ora, bindings', () => {
    const bare = makeFolder();
    copyInto(bare, 'package.json', 'dist');
    linkDependencies(bare, ['jsonc-parser']);
    const script = `const m = await import('${bare}/dist/index.js'); console.log(typeof m.cuda)`;
    expect(run('module', script)).toBe('object\n');
  });
});
