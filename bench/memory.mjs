// What one more of each holds, in V8's heap and in the resident set, each round in a process of its own;
// and the resident set of a process that imports a package.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { interleaved } from './interleaved.mjs';
import { writeModelFile } from './model-file.mjs';
import { versionOf } from './peers.mjs';
import { rowAlone, rowsAgainst } from './rows.mjs';

const program = path.join(import.meta.dirname, 'programs/memory.mjs');
const PACKAGES = [
  'close-with-grace',
  'exit-hook',
  'http-graceful-shutdown',
  '@godaddy/terminus',
  'lightship',
];

function measures(...args) {
  return () => {
    const env = { ...process.env, CUDA_SHUTDOWN_BACKEND: 'simulated' };
    const command = ['--expose-gc', '--no-warnings', program, ...args];
    return JSON.parse(
      execFileSync(process.execPath, command, {
        env,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }),
    );
  };
}

/** Rows for the heap and for the resident set. */
function both(what, ours, references = {}) {
  return [
    ['heap', 'V8 heap'],
    ['rss', 'RSS'],
  ].flatMap(([key, name]) => {
    const of = (values) => values.map((value) => value[key]);
    const beside = Object.entries(references).map(([peer, values]) => [peer, of(values)]);
    return beside.length === 0
      ? [rowAlone(`${what}, ${name}`, 'B', of(ours))]
      : rowsAgainst(`${what}, ${name}`, 'B', of(ours), Object.fromEntries(beside));
  });
}

export async function run({ quick, folder }) {
  const [one, many] = [path.join(folder, 'one'), path.join(folder, 'many')];
  writeModelFile(one, 1, 1024);
  writeModelFile(many, 100, 1024);
  const took = await interleaved(
    {
      shutdown: measures('shutdown', '2000'),
      grace: measures('close-with-grace', '2000'),
      step: measures('step', '20000'),
      hook: measures('exit-hook', '20000'),
      one: measures('model', '2000', one),
      many: measures('model', '500', many),
    },
    quick ? 3 : 15,
    0,
  );
  const imports = await interleaved(
    {
      'an empty module': measures('import', '1', 'node:process'),
      ours: measures('import', '1', '../../dist/index.js'),
      ...Object.fromEntries(
        PACKAGES.map((name) => [versionOf(name), measures('import', '1', name)]),
      ),
    },
    quick ? 3 : 15,
    0,
  );
  const whole = (values) => values.map(({ whole: bytes }) => bytes / 2 ** 20);
  const { ours, ...peers } = Object.fromEntries(
    Object.entries(imports).map(([name, values]) => [name, whole(values)]),
  );
  return [
    ...rowsAgainst('RSS of a process that imports it', 'MiB', ours, peers),
    ...both('a shutdown, not installed', took.shutdown, {
      [`${versionOf('close-with-grace')}, an instance`]: took.grace,
    }),
    ...both('a step', took.step, { [`${versionOf('exit-hook')}, a hook`]: took.hook }),
    ...both('a model of 1 tensor', took.one),
    ...both('a model of 100 tensors', took.many),
  ];
}
