/* eslint jest/expect-expect: ["warn", { "assertFunctionNames": ["expect", "expectGolden"] }] */
/**
 * The console as it looks: real shutdowns on terminals and pipes, their screens compared to golden/*.txt.
 * `npm run golden:console` writes those anew: look at each that has changed.
 */

import { describe, expect, test } from '@jest/globals';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Child, fixturePath } from '../../support/child.js';
import { makeFolder } from '../../support/folder.js';
import { Screen } from '../../support/screen.js';

const FOLDER = fileURLToPath(new URL('golden/', import.meta.url));
const WRITES = process.env.CUDA_SHUTDOWN_GOLDEN === 'write';
const UNSET = ['CI', 'NO_COLOR', 'FORCE_COLOR', 'SSH_TTY', 'CUDA_SHUTDOWN_SIM_DEVICES'];

interface Run {
  readonly scene: string;
  readonly columns?: number;
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string>>;
}

const used = new Set<string>();

function expectGolden(name: string, screen: string): void {
  const file = `${name}.txt`;
  used.add(file);
  if (WRITES) writeFileSync(FOLDER + file, screen);
  expect(screen).toBe(readFileSync(FOLDER + file, 'utf8'));
}

function start({ scene, columns, rows = 40, env = {} }: Run): Child {
  const folder = makeFolder();
  const bare = ['env', '-C', folder, ...UNSET.flatMap((name) => ['-u', name])];
  const settings = Object.entries({ TERM: 'xterm', CUDA_SHUTDOWN_BACKEND: 'simulated', ...env });
  const size = `${columns ?? 0}x${rows}`;
  const terminal = columns === undefined ? [] : ['python3', fixturePath('terminal.py'), size];
  return new Child('console-scene.mjs', {
    args: [scene],
    stdin: 'pipe',
    under: (command) => [
      ...bare,
      ...settings.map(([name, value]) => `${name}=${value}`),
      ...terminal,
      ...command,
    ],
  });
}

/** A terminal with a shutdown on it. */
class Shown {
  readonly child: Child;
  readonly screen: Screen;
  #written: Promise<void> = Promise.resolve();

  constructor(run: Run) {
    this.screen = new Screen(run.columns === 0 ? 80 : (run.columns ?? 80), run.rows ?? 40);
    this.child = start(run);
    this.child.process.stdout?.on('data', (text: string) => {
      this.#written = this.screen.write(text);
    });
  }

  /** Resolves when all `texts` stand there: with the end of a frame, or there may be half of one. */
  async shows(...texts: readonly string[]): Promise<void> {
    const holds = (screen: string): boolean => texts.every((text) => screen.includes(text));
    while (!holds(this.screen.text())) {
      await this.child.alive();
      await this.#written;
    }
  }

  type(): void {
    this.child.process.stdin?.write('\n');
  }

  /** A frame between the resize and the news of it would be as wide as before, as on every terminal. */
  async holdsStill(): Promise<void> {
    this.child.process.stdin?.write('s\n');
    while (this.screen.title !== 'still') {
      await this.child.alive();
      await this.#written;
    }
  }

  resize(columns: number, rows: number): void {
    // As a terminal does it: first itself, then it says so.
    this.screen.resize(columns, rows);
    this.child.process.stdin?.write(`${columns}x${rows}\n`);
  }

  async ended(): Promise<void> {
    await this.child.end;
    await this.#written;
  }
}

async function ended(run: Run): Promise<Screen> {
  const shown = new Shown(run);
  await shown.ended();
  return shown.screen;
}

async function frozen(run: Run, text: string): Promise<{ text: string; toned: string }> {
  const shown = new Shown(run);
  await shown.shows(text);
  const screen = { text: shown.screen.text(), toned: shown.screen.toned() };
  shown.type();
  await shown.ended();
  return screen;
}

describe('on a terminal, when all is over', () => {
  test.each([20, 40, 80, 200])('of %d columns', async (columns) => {
    const screen = await ended({ scene: 'degraded', columns });
    expectGolden(`degraded-${columns}`, screen.text());
  });

  test('of no columns', async () => {
    expectGolden('degraded-0', (await ended({ scene: 'degraded', columns: 0 })).text());
  });

  test('a clean one of one step', async () => {
    expectGolden('clean-80', (await ended({ scene: 'clean', columns: 80 })).text());
  });

  test.each([40, 80])('names from anywhere, %d columns', async (columns) => {
    expectGolden(`names-${columns}`, (await ended({ scene: 'names', columns })).text());
  });

  test.each([
    ['colours', {}],
    ['no-color', { NO_COLOR: '1' }],
    ['dumb', { TERM: 'dumb' }],
    ['force-color-0', { FORCE_COLOR: '0' }],
    ['force-color-1-no-color', { FORCE_COLOR: '1', NO_COLOR: '1' }],
    ['linux-console', { TERM: 'linux' }],
    ['ci', { CI: 'true' }],
  ])('%s', async (name, env) => {
    const screen = await ended({ scene: 'degraded', columns: 80, env });
    expectGolden(`degraded-80-${name}`, screen.toned());
  });
});

describe('on a terminal, in the middle', () => {
  test.each([20, 40, 80, 200])('64 models, %d columns', async (columns) => {
    const { text } = await frozen({ scene: 'models', columns }, 'to go');
    expectGolden(`models-live-${columns}`, text);
  });

  test('in colours', async () => {
    const { toned } = await frozen({ scene: 'models', columns: 80 }, 'to go');
    expectGolden('models-live-80-colours', toned);
  });

  test('on a low terminal', async () => {
    const { text } = await frozen({ scene: 'models', columns: 80, rows: 8 }, 'to go');
    expectGolden('models-live-80x8', text);
  });

  test('steps side by side', async () => {
    const { text } = await frozen({ scene: 'side', columns: 80 }, '400 ms');
    expectGolden('side-live-80', text);
  });

  test('40 steps side by side', async () => {
    const { text } = await frozen({ scene: 'many', columns: 80 }, 'worker 16, …');
    expectGolden('many-live-80', text);
  });

  test('a model that does not move', async () => {
    const { text } = await frozen({ scene: 'stuck', columns: 80 }, 'nothing for 2.4 s');
    expectGolden('stuck-live-80', text);
  });

  test('made narrower and wider', async () => {
    const shown = new Shown({ scene: 'models', columns: 80 });
    await shown.shows('to go');
    await shown.holdsStill();
    shown.resize(40, 40);
    await shown.shows('· adapter-60  25 %', 'to go');
    expectGolden('models-live-80-to-40', shown.screen.text());
    shown.resize(100, 40);
    await shown.shows('· adapter-60  256.0 MiB of 1.00 GiB', 'to go');
    expectGolden('models-live-80-to-100', shown.screen.text());
    shown.type();
    await shown.ended();
    expectGolden('models-80-to-100', shown.screen.text());
  });

  test('of a container: no columns at first', async () => {
    const shown = new Shown({ scene: 'side', columns: 0 });
    await shown.shows('Shutting down');
    shown.resize(80, 40);
    shown.type();
    await shown.ended();
    expectGolden('side-0-to-80', shown.screen.text());
  });
});

describe('of many', () => {
  test.each(['models', 'many'])('%s, when all is over', async (scene) => {
    const shown = new Shown({ scene, columns: 80, rows: 60 });
    await shown.shows(scene === 'models' ? 'to go' : 'worker 16, …');
    shown.type();
    await shown.ended();
    expectGolden(`${scene}-80`, shown.screen.text());
  });
});

describe('in a log', () => {
  const visible = (text: string): string => text.replaceAll('\u001b', '␛');

  test.each(['clean', 'degraded', 'names', 'models'])('%s', async (scene) => {
    const { stderr } = await start({ scene }).end;
    expectGolden(`${scene}-log`, visible(stderr));
  });

  test.each(['0', '1', '2', '3'])('with FORCE_COLOR=%s', async (level) => {
    const { stderr } = await start({ scene: 'degraded', env: { FORCE_COLOR: level } }).end;
    expectGolden(level === '0' ? 'degraded-log' : 'degraded-log-colours', visible(stderr));
  });

  test('of continuous integration', async () => {
    const { stderr } = await start({ scene: 'degraded', env: { CI: 'true' } }).end;
    expectGolden('degraded-log', visible(stderr));
  });
});

test('no golden file is left of what is not tested any more', () => {
  expect(readdirSync(FOLDER).filter((file) => !used.has(file))).toEqual([]);
});
