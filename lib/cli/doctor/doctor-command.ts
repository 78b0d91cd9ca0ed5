/** `doctor`: says whether a service can end well here, and what to do where it cannot. */

import type { Line } from '../../observers/console/lines.js';
import { oneLine } from '../../observers/console/text.js';
import { EXIT } from '../failure.js';
import { packageVersion } from '../package.js';
import { bold, printJson, printLines } from '../terminal.js';
import type { Check, Surroundings } from './check.js';
import { containerChecks } from './container.js';
import { deviceChecks } from './devices.js';
import { folderChecks } from './folder.js';
import { graceChecks, type GraceOptions } from './grace.js';
import { machineChecks } from './machine.js';

export interface DoctorOptions extends GraceOptions {
  readonly json?: true;
  readonly report?: string;
}

export async function doctor(options: DoctorOptions): Promise<number> {
  const here: Surroundings = { root: '', env: process.env };
  const [devices, grace, folder] = await Promise.all([
    deviceChecks(here),
    graceChecks(here, options),
    options.report === undefined ? [] : folderChecks(options.report),
  ]);
  const groups: readonly (readonly [string, readonly Check[]])[] = [
    ['Machine', machineChecks(here)],
    ['Addon and devices', devices],
    ['Container', containerChecks(here)],
    ['Time to end', grace],
    ['Evidence', folder],
  ];
  const checks = groups.flatMap(([, group]) => group);
  const failed = checks.filter(({ mark }) => mark === 'bad').length;
  if (options.json === true) {
    printJson({ version: packageVersion(), ok: failed === 0, checks });
  } else {
    printLines(groups.flatMap(([title, group]) => groupLines(title, group)));
    printLines([verdict(failed, checks.filter(({ mark }) => mark === 'warn').length)]);
  }
  return failed === 0 ? EXIT.ok : EXIT.failed;
}

function groupLines(title: string, checks: readonly Check[]): readonly Line[] {
  if (checks.length === 0) return [];
  const lines = checks.flatMap(({ mark, text, hint }): Line[] => [
    { mark, text: oneLine(text) },
    ...(hint === undefined ? [] : [{ mark: 'none', text: `    ${oneLine(hint)}` } as const]),
  ]);
  return [{ mark: 'none', text: bold(title) }, ...lines, { mark: 'none', text: '' }];
}

function verdict(failed: number, doubtful: number): Line {
  if (failed > 0) return { mark: 'bad', text: `${failed} to be set right` };
  if (doubtful > 0) return { mark: 'warn', text: `Nothing is wrong, ${doubtful} to be looked at` };
  return { mark: 'ok', text: 'All is well' };
}
