/** The error of an addon that does not load: what was tried, and what to do, to paste. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describeLibc, PLATFORMS, type Prebuilt } from '../../install/prebuilt.mjs';

interface Attempt {
  readonly path: string;
  readonly cause: unknown;
}

export function notLoaded(
  root: string,
  built: Attempt,
  prebuilt: Prebuilt & { readonly cause: unknown },
): Error {
  const { name, version, unfit } = prebuilt;
  const broken = existsSync(built.path);
  const cause = broken || prebuilt.cause === undefined ? built.cause : prebuilt.cause;
  const message = [
    `Expected the addon ${built.path} to load, but ${broken ? doesNot(built.cause) : 'it is not there'}`,
    `Expected the prebuilt ${name}@${version} to load instead, but ${unfit ?? doesNot(prebuilt.cause)}`,
    'Possible solutions:',
    ...solutions(root, prebuilt, [built.cause, prebuilt.cause]),
  ].join('\n');
  return Object.assign(new Error(message, { cause }), { code: 'ERR_ADDON_NOT_LOADED' });
}

function doesNot(cause: unknown): string {
  return `it is there but does not load: ${messageOf(cause)}`;
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function solutions(root: string, { name, needs }: Prebuilt, causes: readonly unknown[]): string[] {
  const platform = `${process.platform}-${process.arch}`;
  const said = causes.map(messageOf).join('\n');
  const lines: string[] = [];
  if (causes.some((cause) => (cause as { code?: unknown } | undefined)?.code === DISABLED)) {
    lines.push('- Run Node without --no-addons');
  }
  if (/GLIBC(XX)?_[\d.]+' not found/u.test(said)) {
    const wanted = needs === undefined ? '' : `, the prebuilt one needs glibc ${needs.glibc}`;
    lines.push(`- Use a newer system, or build on this one: it has ${describeLibc(root)}${wanted}`);
  }
  if (PLATFORMS.includes(platform) && isOptionalDependency(root, name)) {
    lines.push(
      '- Let optional packages be installed: npm install --include=optional cuda-shutdown',
    );
  }
  return [
    ...lines,
    '- Build it: npm rebuild cuda-shutdown (needs CMake 3.22, a C++20 compiler and make or ninja)',
    '- With npm 12 or later, install scripts are blocked by default: npm install-scripts approve cuda-shutdown, then npm rebuild cuda-shutdown',
    `- It was installed for another platform than ${platform}: remove node_modules and install again on this one`,
  ];
}

const DISABLED = 'ERR_DLOPEN_DISABLED';

/** Only what was released has them: see docs/releasing.md. */
function isOptionalDependency(root: string, name: string): boolean {
  const manifest = readFileSync(join(root, 'package.json'), 'utf8');
  const { optionalDependencies } = JSON.parse(manifest) as {
    optionalDependencies?: Readonly<Record<string, string>>;
  };
  return optionalDependencies !== undefined && name in optionalDependencies;
}
