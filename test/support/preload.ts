/** A library that is loaded in front of everything and disturbs the end of the process in native code. */

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SOURCE = `
  #include <stdlib.h>
  #include <unistd.h>
  static void disturb(void) { HOW; }
  #ifdef AT_EXIT
  __attribute__((constructor)) static void begin(void) { atexit(disturb); }
  #else
  __attribute__((destructor)) static void end(void) { disturb(); }
  #endif
`;

export const DISTURBANCES = { aborts: 'abort()', hangs: 'for (;;) pause()', exits: '_exit(9)' };

/** The path of the library, made in `folder`. */
export function makePreload(
  folder: string,
  where: 'destructor' | 'atexit',
  how: keyof typeof DISTURBANCES,
): string {
  const defined = [`-DHOW=${DISTURBANCES[how]}`, ...(where === 'atexit' ? ['-DAT_EXIT'] : [])];
  return compilePreload(join(folder, `${where}-${how}`), SOURCE, defined);
}

/** A library whose source is `source`; `stem` is its path without the extension. */
export function compilePreload(
  stem: string,
  source: string,
  defined: readonly string[] = [],
): string {
  const library = `${stem}.so`;
  writeFileSync(`${stem}.c`, source);
  execFileSync('gcc', ['-shared', '-fPIC', ...defined, '-o', library, `${stem}.c`, '-ldl']);
  return library;
}
