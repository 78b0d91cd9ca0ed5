/** Every link of the documents leads somewhere, and every command and file that they name is there. */

import { describe, expect, test } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

import { anchorOf, documents, readDocument } from '../support/markdown.js';
import { root } from '../support/package-copy.js';

const all = documents();
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};

/** The links that lead nowhere. */
function dead(path: string): string[] {
  return readDocument(path).links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [file = '', anchor] = link.split('#');
    const target = file === '' ? path : relative(root, join(root, dirname(path), file));
    if (!existsSync(join(root, target))) return true;
    return anchor !== undefined && !readDocument(target).headings.map(anchorOf).includes(anchor);
  });
}

test('the anchor of a heading is that of GitHub', () => {
  expect(anchorOf('`node:worker_threads`')).toBe('nodeworker_threads');
  expect(anchorOf('Exit 137, exit 143')).toBe('exit-137-exit-143');
  expect(anchorOf('"Expected the addon … to load"')).toBe('expected-the-addon--to-load');
});

test('there are documents, and links in them', () => {
  expect(all.length).toBeGreaterThan(10);
  expect(all.flatMap(({ links }) => links).length).toBeGreaterThan(30);
});

describe.each(all.map(({ path }) => [path]))('%s', (path) => {
  test('has links that lead somewhere', () => {
    expect(dead(path)).toEqual([]);
  });

  test('names scripts that are there', () => {
    const named = [...readDocument(path).text.matchAll(/npm (?:run|test) ?([a-z]+(?::[a-z]+)*)/g)];
    const unknown = named.map(([, name = '']) => name).filter((name) => !(name in scripts));
    expect(unknown).toEqual([]);
  });

  test('names files of the package that are there', () => {
    const named = readDocument(path).text.matchAll(
      /(?<![\w/.])(?:lib|test|native|bench|scripts|examples)\/[\w./-]+\.(?:ts|mjs|sh|h|cc)\b/g,
    );
    const missing = [...named]
      .map(([name]) => name)
      .filter((name) => !existsSync(join(root, name)));
    expect(missing).toEqual([]);
  });
});

test('every page of docs/ stands in its index', () => {
  const index = readDocument('docs/README.md').links;
  const pages = all.map(({ path }) => path).filter((path) => /^docs\/(?!README)/.test(path));
  expect(
    pages.map((path) => path.slice('docs/'.length)).filter((page) => !index.includes(page)),
  ).toEqual([]);
});
