/** Asks a process of its own what may hang: see probe.ts. */

import { fileURLToPath } from 'node:url';
import { type Fields, fields, text } from '../course/values.js';
import { type Bounded, runBounded } from './bounded.js';

export interface Answer {
  /** All that was said, as one object. */
  readonly said: Fields;
  readonly lines: readonly Fields[];
  /** Why it came to no end: `hung while asking …`; undefined where it did. */
  readonly broken: string | undefined;
}

const LIMIT_MS = 10_000;

export async function ask(...question: readonly string[]): Promise<Answer> {
  const probe = fileURLToPath(new URL('probe.js', import.meta.url));
  const answer = await runBounded(process.execPath, [probe, ...question], LIMIT_MS);
  const lines = answer.stdout.split('\n').flatMap(lineOf);
  const said = Object.assign({}, ...lines) as Fields;
  return { said, lines, broken: brokenBy(answer, text(said.doing) ?? 'starting') };
}

function lineOf(line: string): readonly Fields[] {
  try {
    return [fields(JSON.parse(line))];
  } catch {
    return [];
  }
}

function brokenBy({ end, code, signal, stderr }: Bounded, doing: string): string | undefined {
  if (end === 'hung') return `hung for ${LIMIT_MS / 1000} s while ${doing}`;
  if (end === 'killed') return `ended by ${signal ?? 'a signal'} while ${doing}`;
  if (end === 'missing' || code !== 0)
    return `failed while ${doing}: ${stderr.trim().slice(0, 400)}`;
  return undefined;
}
