// The declarations as users' compilers read them: every public name, in every way of importing it, with the
// libraries checked too (`skipLibCheck: false`), and @types/node of both 20 and 22.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { describe, test } from 'node:test';
import { copyDependencies, makeFolder, pack, packages, root, unpack } from './support.mjs';

const fromRoot = createRequire(path.join(root, 'package.json'));
const ts = fromRoot('typescript');
const types = path.join(import.meta.dirname, 'types');
const tarball = pack(makeFolder());

/** `as`: the file's name; TypeScript tells the module system by its ending. */
const CONSUMERS = {
  'an ESM consumer': { as: 'use.mts', module: 'node16', moduleResolution: 'node16' },
  // `node20` is as node16, with the require() of ESM that Node has since 20.19.
  'a CommonJS consumer': { as: 'use.cts', module: 'node20', moduleResolution: 'node16' },
  'a bundler': { as: 'use.ts', module: 'esnext', moduleResolution: 'bundler' },
};

for (const node of ['20', '22']) {
  describe(`@types/node ${node}`, () => {
    const app = makeFolder();
    copyDependencies(app);
    unpack(tarball, app, 'cuda-shutdown');
    for (const [name, from] of Object.entries({
      '@types/node': `types-node-${node}`,
      'undici-types': 'undici-types',
      'expect-type': 'expect-type',
    })) {
      cpSync(path.join(packages, from), path.join(app, 'node_modules', name), { recursive: true });
    }

    for (const [consumer, { as, ...how }] of Object.entries(CONSUMERS)) {
      test(consumer, () => {
        cpSync(path.join(types, 'public.ts'), path.join(app, as));
        const compilerOptions = {
          ...how,
          target: 'es2023',
          lib: ['es2023', 'esnext.disposable'],
          types: ['node'],
          strict: true,
          skipLibCheck: false,
          noEmit: true,
        };
        const config = path.join(app, `tsconfig.${as}.json`);
        writeFileSync(config, JSON.stringify({ compilerOptions, files: [as] }));
        const compiler = fromRoot.resolve('typescript/bin/tsc');
        const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', config], {
          encoding: 'utf8',
        });
        assert.equal(status, 0, stdout);
      });
    }
  });
}

for (const entry of ['index', 'testing/index']) {
  const names = publicNames(path.join(root, 'dist', `${entry}.d.ts`));

  test(`every public name of ${entry} has its documentation`, () => {
    const without = names.filter(({ documentation }) => documentation === '');
    assert.deepEqual(
      without.map(({ name }) => name),
      [],
    );
  });

  test(`every public name of ${entry} is in the test of the types`, () => {
    const text = readFileSync(path.join(types, 'public.ts'), 'utf8');
    const missing = names.filter(({ name }) => !new RegExp(`\\b${name}\\b`, 'u').test(text));
    assert.deepEqual(
      missing.map(({ name }) => name),
      [],
    );
  });
}

function publicNames(file) {
  const program = ts.createProgram([file], {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    types: ['node'],
  });
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(file));
  return checker.getExportsOfModule(module).map((symbol) => {
    const alias = symbol.flags & ts.SymbolFlags.Alias;
    const declared = alias ? checker.getAliasedSymbol(symbol) : symbol;
    const comment = declared.getDocumentationComment(checker);
    return { name: symbol.name, documentation: ts.displayPartsToString(comment) };
  });
}
