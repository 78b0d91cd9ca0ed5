/** What ends the command line with a sentence and an exit code, and no stack. */

/** `docs/cli.md` has them. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

export class CliFailure extends Error {
  constructor(
    message: string,
    readonly exitCode: number = EXIT.failed,
  ) {
    super(message);
  }
}

/** The user asked for something that cannot be: what was expected, what came. */
export function usageFailure(message: string): CliFailure {
  return new CliFailure(message, EXIT.usage);
}
