// The tarball in an empty folder, by npm itself: compiled, with a prebuilt package, and with neither.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { makeFolder, manifest, pack, root } from './support.mjs';

const VERSION = manifest.version;
const PREBUILT = `@cuda-shutdown/${process.platform}-${process.arch}`;
const hasCuda = existsSync(path.join(root, 'build', 'Release', 'cuda_shutdown.node'));

const packed = makeFolder();
const tarball = pack(packed);
const script = path.join(root, 'scripts', 'package-prebuilt.mjs');
const how = hasCuda ? [] : ['--without-cuda'];
const prebuilt = execFileSync(process.execPath, [script, '--out', packed, ...how], {
  encoding: 'utf8',
}).trim();

/** A PATH on which nothing can be compiled. */
function barePath() {
  const folder = makeFolder();
  symlinkSync(process.execPath, path.join(folder, 'node'));
  for (const command of ['npm', 'sh']) {
    symlinkSync(
      execFileSync('which', [command], { encoding: 'utf8' }).trim(),
      path.join(folder, command),
    );
  }
  return folder;
}

function install(packages, env = {}) {
  const folder = makeFolder();
  writeFileSync(path.join(folder, 'package.json'), '{ "private": true }');
  const args = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--foreground-scripts'];
  const { status, stdout, stderr } = spawnSync('npm', [...args, ...packages], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '', CXX: '', ...env },
  });
  const installed = path.join(folder, 'node_modules', 'cuda-shutdown');
  return { folder, installed, status, said: stdout + stderr };
}

/** Both module systems, both entry points, and the file of the addon that was loaded. */
function use(folder) {
  const script = `
    import { readFileSync } from 'node:fs';
    import { createRequire } from 'node:module';
    import { cuda } from 'cuda-shutdown';
    import { simulatedEnvironment } from 'cuda-shutdown/testing';
    const require = createRequire(import.meta.url);
    const names = (module) => Object.keys(module).filter((name) => name !== '__esModule').sort();
    const same = async (path) => String(names(require(path))) === String(names(await import(path)));
    const backend = cuda.backend;
    const maps = readFileSync('/proc/self/maps', 'utf8');
    console.log(JSON.stringify({
      backend,
      reason: cuda.unavailableReason?.code,
      addon: /\\S+cuda_shutdown\\w*\\.node/.exec(maps)[0],
      same: [await same('cuda-shutdown'), await same('cuda-shutdown/testing')],
      environment: simulatedEnvironment({ devices: 2 }).CUDA_SHUTDOWN_SIM_DEVICES,
    }));`;
  writeFileSync(path.join(folder, 'use.mjs'), script);
  const run = (backend) => {
    const env = { ...process.env, NODE_OPTIONS: '', CUDA_SHUTDOWN_BACKEND: backend };
    const stdout = execFileSync(process.execPath, ['use.mjs'], {
      cwd: folder,
      env,
      encoding: 'utf8',
    });
    return JSON.parse(stdout);
  };
  return { simulated: run('simulated'), auto: run('auto') };
}

function assertUsed({ simulated, auto }, place) {
  assert.deepEqual(simulated, {
    backend: 'simulated',
    addon: path.join(place, 'cuda_shutdown_simulated.node'),
    same: [true, true],
    environment: '2',
  });
  const real = hasCuda ? 'cuda_shutdown.node' : 'cuda_shutdown_simulated.node';
  assert.equal(auto.addon, path.join(place, real));
}

describe('from source', () => {
  test('compiles both addons, which are used', { timeout: 600_000 }, () => {
    const { folder, installed, status, said } = install([tarball]);
    assert.equal(status, 0, said);
    assert.match(
      said,
      new RegExp(`compiles, because ${PREBUILT}@${VERSION} is not taken: it is not installed`, 'u'),
    );
    assertUsed(use(folder), path.join(installed, 'build', 'Release'));
  });
});

describe('with the prebuilt package', () => {
  test('compiles nothing, and needs no compiler', { timeout: 120_000 }, () => {
    const { folder, installed, status, said } = install([prebuilt, tarball], { PATH: barePath() });
    assert.equal(status, 0, said);
    assert.match(
      said,
      new RegExp(`takes the addons of ${PREBUILT}@${VERSION}, compiles nothing`, 'u'),
    );
    assert.ok(!existsSync(path.join(installed, 'build')));
    assertUsed(use(folder), path.join(folder, 'node_modules', PREBUILT));
  });

  test('of another version compiles', { timeout: 600_000 }, () => {
    const other = makeFolder();
    execFileSync('tar', ['-xzf', prebuilt, '-C', other]);
    const file = path.join(other, 'package', 'package.json');
    const changed = { ...JSON.parse(readFileSync(file, 'utf8')), version: '0.0.1' };
    writeFileSync(file, JSON.stringify(changed));
    const { status, said } = install([path.join(other, 'package'), tarball], { PATH: barePath() });
    assert.notEqual(status, 0);
    assert.match(said, /compiles, because .* is not taken: it is version 0\.0\.1/u);
  });

  test('that does not load compiles, and says why', { timeout: 600_000 }, () => {
    const broken = makeFolder();
    execFileSync('tar', ['-xzf', prebuilt, '-C', broken]);
    writeFileSync(path.join(broken, 'package', 'cuda_shutdown_simulated.node'), 'no addon');
    const { status, said } = install([path.join(broken, 'package'), tarball], { PATH: barePath() });
    assert.notEqual(status, 0);
    assert.match(said, /is not taken: Error: .*(invalid ELF header|file too short)/u);
  });

  test('is left alone where CUDA_SHUTDOWN_BUILD_FROM_SOURCE is set', { timeout: 120_000 }, () => {
    const env = { PATH: barePath(), CUDA_SHUTDOWN_BUILD_FROM_SOURCE: '1' };
    const { status, said } = install([prebuilt, tarball], env);
    assert.notEqual(status, 0);
    assert.match(said, /is not taken: CUDA_SHUTDOWN_BUILD_FROM_SOURCE is set/u);
  });
});

describe('with neither', () => {
  test('the install fails and says what to do', { timeout: 120_000 }, () => {
    const { status, said } = install([tarball], { PATH: barePath() });
    assert.notEqual(status, 0);
    for (const text of [
      `Could not install the addon of cuda-shutdown ${VERSION} on ${process.platform}-${process.arch} (glibc `,
      `- The prebuilt ${PREBUILT}@${VERSION}: it is not installed`,
      '- cmake-js compile: ',
      '- Not found on the PATH: CMake',
      '- Not found on the PATH: a C++ compiler',
      'Possible solutions:',
      'apt-get install cmake g++ make',
    ]) {
      assert.ok(said.includes(text), `${text}\nis not in\n${said}`);
    }
  });

  test(
    'without scripts it installs, and the first use says what to do',
    { timeout: 120_000 },
    () => {
      const { folder, installed, status, said } = install([tarball, '--ignore-scripts']);
      assert.equal(status, 0, said);
      const script =
        "import('cuda-shutdown').then(({ cuda }) => cuda.backend).catch((e) => console.log(e.message))";
      const options = { cwd: folder, encoding: 'utf8' };
      const message = execFileSync(process.execPath, ['-e', script], options);
      const addon = path.join(installed, 'build', 'Release', 'cuda_shutdown_simulated.node');
      assert.deepEqual(message.split('\n').slice(0, 4), [
        `Expected the addon ${addon} to load, but it is not there`,
        `Expected the prebuilt ${PREBUILT}@${VERSION} to load instead, but it is not installed`,
        'Possible solutions:',
        '- Build it: npm rebuild cuda-shutdown (needs CMake 3.22, a C++20 compiler and make or ninja)',
      ]);
    },
  );
});
