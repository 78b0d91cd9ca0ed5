#!/usr/bin/env node
/** `cuda-shutdown` on the command line: the entry. What a command needs is loaded when it runs. */

import { CommanderError } from 'commander';
import { CliFailure, EXIT } from './failure.js';
import { program } from './program.js';

// The reader of a pipe may leave early, as `head` does: what it did not want is nobody's failure.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(process.exitCode);
  });
}

try {
  await program((exitCode) => {
    process.exitCode = exitCode;
  }).parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

function exitCodeOf(error: unknown): number {
  // Commander has said what is wrong, or what was asked for, itself.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (!(error instanceof CliFailure)) throw error;
  process.stderr.write(`error: ${error.message}\n`);
  return error.exitCode;
}
