// The packages that ours is compared with: bench/package.json pins them.
import { readFileSync } from 'node:fs';

const { dependencies } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));

/** `close-with-grace 2.5.0` */
export function versionOf(name) {
  const version = dependencies[name];
  if (version === undefined) throw new Error(`Expected bench/package.json to pin ${name}`);
  return `${name} ${version}`;
}
