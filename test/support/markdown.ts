/** The documents of the package, and what stands in them. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { root } from './package-copy.js';

export interface Block {
  /** Where it stands, as `docs/testing.md:12`. */
  readonly at: string;
  /** `js`, `sh` or what else stands behind the fence. */
  readonly language: string;
  readonly text: string;
}

export interface Document {
  /** In the package, as `docs/testing.md`. */
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
  /** The texts of its headings. */
  readonly headings: readonly string[];
  /** The targets of its links, without code. */
  readonly links: readonly string[];
}

/** Every Markdown file that git knows or would take. */
export function documents(): readonly Document[] {
  const list = ['ls-files', '--cached', '--others', '--exclude-standard', '-z', '*.md'];
  const paths = execFileSync('git', list, { cwd: root, encoding: 'utf8' }).split('\0');
  return [...new Set(paths)].filter((path) => path !== '').map(readDocument);
}

export function readDocument(path: string): Document {
  const text = readFileSync(join(root, path), 'utf8');
  const blocks: Block[] = [];
  const prose: string[] = [];
  let open: { language: string; line: number; lines: string[] } | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const fence = /^```(\w*)/.exec(line);
    if (open === undefined && fence !== null) {
      open = { language: fence[1] ?? '', line: index + 1, lines: [] };
    } else if (open !== undefined && fence !== null) {
      const { language, lines } = open;
      blocks.push({ at: `${path}:${open.line}`, language, text: `${lines.join('\n')}\n` });
      open = undefined;
    } else if (open !== undefined) open.lines.push(line);
    else prose.push(line);
  }
  if (open !== undefined) throw new Error(`The block at ${path}:${open.line} does not end`);
  const plain = prose.join('\n').replaceAll(/`[^`\n]*`/g, 'code');
  return {
    path,
    text,
    blocks,
    headings: prose.flatMap((line) => /^#{1,6} (.+)$/.exec(line)?.[1] ?? []),
    links: [...plain.matchAll(/\]\(([^()\s]+)\)/g)].map(([, target = '']) => target),
  };
}

/** The anchor of a heading, as GitHub makes it. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
    .replaceAll(' ', '-');
}
