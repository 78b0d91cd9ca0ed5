// Makes dist/index.js of lib/, and dist/testing: few files, because a hundred small modules cost 50 ms to
// import. The command line and the demo are bundles of their own, so that they cost an import nothing.
import { rmSync } from 'node:fs';
import { build } from 'esbuild';

/** Modules of which only functions are used: the first call loads them. */
const LOADED_BY_A_CALL = ['node:fs/promises', 'node:module', 'node:timers/promises'];

/**
 * Takes Node's own modules without importing them: an import of one costs 0.3 ms and more, as it reads
 * every export, and those of node:fs load all of Node's streams. Exports that nobody names fall away.
 */
const builtins = {
  name: 'builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: 'builtin' }));
    onLoad({ filter: /^/, namespace: 'builtin' }, ({ path }) => {
      const names = Object.keys(process.getBuiltinModule(path));
      const load = `process.getBuiltinModule('${path}')`;
      const value = LOADED_BY_A_CALL.includes(path)
        ? (name) => `(...args) => ${load}.${name}(...args)`
        : (name) => `/* @__PURE__ */ (() => ${load}.${name})()`;
      const lines = names.map((name) => `export const ${name} = ${value(name)};`);
      return { contents: lines.join('\n') };
    });
  },
};

const common = {
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  logLevel: 'warning',
};

await build({
  ...common,
  entryPoints: ['lib/index.ts', 'lib/testing/index.ts'],
  outdir: 'dist',
  // What both need is in a file of its own: they share its state.
  splitting: true,
  chunkNames: 'shared',
  plugins: [builtins],
});

// Each command is a file that is loaded when it is run. Those of earlier builds have other names.
rmSync('dist/cli', { recursive: true, force: true });
await build({
  ...common,
  entryPoints: ['lib/cli/main.ts', 'lib/cli/doctor/probe.ts'],
  entryNames: '[name]',
  outdir: 'dist/cli',
  splitting: true,
  chunkNames: '[name]-[hash]',
});

// Without the sources, which the package leaves at home.
await build({
  ...common,
  entryPoints: ['examples/demo.mjs', 'examples/service.mjs'],
  outExtension: { '.js': '.mjs' },
  outdir: 'dist/demo',
});
