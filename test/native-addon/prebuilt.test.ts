/** The prebuilt package of the platform: taken where it fits and nothing was compiled, else named. */

import { describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { makeFolder } from '../support/folder.js';
import { copyInto, linkDependencies, root } from '../support/package-copy.js';

const NAME = `@cuda-shutdown/${process.platform}-${process.arch}`;
const ADDON = 'cuda_shutdown_simulated.node';
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  version: string;
};

/** The package with nothing compiled, and beside it a prebuilt one. */
function packageWith(manifest: object): { folder: string; prebuilt: string } {
  const folder = makeFolder();
  copyInto(folder, 'package.json', 'dist');
  linkDependencies(folder);
  const prebuilt = join(folder, 'node_modules', NAME);
  mkdirSync(prebuilt, { recursive: true });
  cpSync(join(root, 'build/Release', ADDON), join(prebuilt, ADDON));
  writeFileSync(
    join(prebuilt, 'package.json'),
    JSON.stringify({ name: NAME, version, ...manifest }),
  );
  return { folder, prebuilt };
}

/** The file of the addon that is loaded, or what the error says. */
function loads(folder: string, ...flags: string[]): string {
  const script = `
    import { readFileSync } from 'node:fs';
    import { cuda } from '${join(folder, 'dist/index.js')}';
    try {
      cuda.backend;
      console.log(/\\S+cuda_shutdown\\w*\\.node/.exec(readFileSync('/proc/self/maps', 'utf8'))[0]);
    } catch (error) {
      console.log(error.message);
    }`;
  const env = { ...process.env, CUDA_SHUTDOWN_BACKEND: 'simulated', NODE_OPTIONS: '' };
  const args = [...flags, '--input-type=module', '--eval', script];
  return execFileSync(process.execPath, args, { env, encoding: 'utf8' }).trim();
}

test('it is taken where nothing was compiled', () => {
  const { folder, prebuilt } = packageWith({});
  expect(loads(folder)).toBe(join(prebuilt, ADDON));
});

test('what was compiled comes first', () => {
  const { folder } = packageWith({});
  copyInto(folder, join('build/Release', ADDON));
  expect(loads(folder)).toBe(join(folder, 'build/Release', ADDON));
});

test('it is taken where what was compiled does not load', () => {
  const { folder, prebuilt } = packageWith({});
  mkdirSync(join(folder, 'build/Release'), { recursive: true });
  writeFileSync(join(folder, 'build/Release', ADDON), 'no shared object');
  expect(loads(folder)).toBe(join(prebuilt, ADDON));
});

describe('it is not taken, and the error says why', () => {
  test('of another version', () => {
    const { folder } = packageWith({ version: '0.0.1' });
    expect(loads(folder)).toContain(
      `Expected the prebuilt ${NAME}@${version} to load instead, but it is version 0.0.1`,
    );
  });

  test('with another C library', () => {
    const { folder } = packageWith({});
    // What it answers on Alpine, and on a system that it does not know.
    for (const [family, said] of [
      ["'musl'", 'musl'],
      ['null', 'unknown'],
    ] as const) {
      const fake = join(folder, 'node_modules', NAME, '..', '..', 'detect-libc');
      execFileSync('rm', ['-rf', fake]);
      mkdirSync(fake);
      writeFileSync(
        join(fake, 'index.js'),
        `exports.familySync = () => ${family}; exports.versionSync = () => null;`,
      );
      expect(loads(folder)).toContain(`it is for glibc, and the C library here is ${said}`);
    }
  });

  test('that is broken', () => {
    const { folder, prebuilt } = packageWith({});
    writeFileSync(join(prebuilt, ADDON), 'no shared object');
    expect(loads(folder)).toMatch(
      /Expected the prebuilt .* instead, but it is there but does not load: .*(invalid ELF header|file too short)/u,
    );
  });

  test('for a newer system', () => {
    const { folder, prebuilt } = packageWith({ config: { glibc: '>=2.99', glibcxx: '>=3.4.30' } });
    // The loader of the system checks the versions that the file asks for.
    const bytes = readFileSync(join(prebuilt, ADDON)).toString('latin1');
    const newer = bytes.replaceAll('\0GLIBC_2.34\0', '\0GLIBC_2.99\0');
    expect(newer).not.toBe(bytes);
    writeFileSync(join(prebuilt, ADDON), newer, 'latin1');
    const said = loads(folder);
    expect(said).toMatch(/version `GLIBC_2\.\d+' not found/u);
    expect(said).toMatch(
      /- Use a newer system, or build on this one: it has glibc [\d.]+, the prebuilt one needs glibc >=2\.99/u,
    );
  });

  test('where Node loads no addons', () => {
    const { folder } = packageWith({});
    expect(loads(folder, '--no-addons')).toContain('- Run Node without --no-addons');
  });
});

test('npm is asked to install it only where it is an optional dependency, as in a release', () => {
  const { folder, prebuilt } = packageWith({ version: '0.0.1' });
  const hint = 'npm install --include=optional cuda-shutdown';
  expect(loads(folder)).not.toContain(hint);
  const file = join(folder, 'package.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as object;
  writeFileSync(file, JSON.stringify({ ...manifest, optionalDependencies: { [NAME]: version } }));
  execFileSync('rm', ['-r', prebuilt]);
  expect(loads(folder)).toContain(hint);
});
