// Makes dist/index.js of lib/, and dist/testing: few files, because a hundred small modules cost 50 ms to
// import.
import { build } from 'esbuild';

/**
 * Takes Node's own modules without importing them: an import of one costs 0.3 ms and more, as it reads
 * every export, and those of node:fs load all of Node's streams. Exports that nobody names fall away.
 */
const builtins = {
  name: 'builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: 'builtin' }));
    onLoad({ filter: /^/, namespace: 'builtin' }, ({ path }) => {
      const names = Object.keys(process.getBuiltinModule(path)).map(
        (name) => `export const ${name} = /* @__PURE__ */ (() => builtin.${name})();`,
      );
      const builtin = `const builtin = /* @__PURE__ */ process.getBuiltinModule('${path}');`;
      return { contents: [builtin, ...names].join('\n') };
    });
  },
};

await build({
  entryPoints: ['lib/index.ts', 'lib/testing/index.ts'],
  outdir: 'dist',
  // What both need is in a file of its own: they share its state.
  splitting: true,
  chunkNames: 'shared',
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  logLevel: 'warning',
  plugins: [builtins],
});
