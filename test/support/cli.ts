/** The command line as its users start it: a process of its own. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type ChildEnd, type ChildOptions, runChild } from './child.js';
import { makeFolder } from './folder.js';

export function runCli(args: readonly string[], options: ChildOptions = {}): Promise<ChildEnd> {
  return runChild('../../dist/cli/main.js', { ...options, args });
}

/** A folder in which a fixture's shutdown has left its evidence. */
export async function evidenceOf(fixture: string): Promise<string> {
  const folder = makeFolder();
  await runChild(fixture, { args: [folder] });
  return folder;
}

/** The one file of that ending. */
export function fileIn(folder: string, ending: 'report.json' | 'journal.jsonl'): string {
  const name = readdirSync(folder).find((one) => one.endsWith(ending));
  if (name === undefined) throw new Error(`No ${ending} in ${folder}`);
  return join(folder, name);
}
