/** Temporary folders, removed when the test file is over. */

import { afterAll } from '@jest/globals';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ShutdownReport } from '../../lib/shutdown/report.js';

const made: string[] = [];

export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cuda-shutdown-'));
  made.push(folder);
  return folder;
}

/** The one report in `folder`. */
export function readReport(folder: string): ShutdownReport {
  const [name, ...others] = readdirSync(folder).filter((one) => one.endsWith('.report.json'));
  if (name === undefined || others.length > 0) throw new Error(`Not one report in ${folder}`);
  return JSON.parse(readFileSync(join(folder, name), 'utf8')) as ShutdownReport;
}

afterAll(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
});
