// Removes from dist/ the declarations of what is not public: those that no entry point leads to.
import { readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import path from 'node:path';

const dist = path.join(import.meta.dirname, '..', 'dist');
const reached = new Set();
for (const entry of ['index.d.ts', 'testing/index.d.ts']) reach(path.join(dist, entry));

const all = readdirSync(dist, { recursive: true, withFileTypes: true });
for (const entry of all) {
  const file = path.join(entry.parentPath, entry.name);
  if (entry.name.endsWith('.d.ts') && !reached.has(file)) rmSync(file);
}
// The deepest first.
for (const entry of all.reverse().filter((each) => each.isDirectory())) {
  const folder = path.join(entry.parentPath, entry.name);
  if (readdirSync(folder).length === 0) rmdirSync(folder);
}

function reach(file) {
  if (reached.has(file)) return;
  reached.add(file);
  const imports = readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?'(\.[^']+)\.js'/gu);
  for (const [, to] of imports) reach(path.resolve(path.dirname(file), `${to}.d.ts`));
}
