/** What the doctor says: one check is one line, and what to do where it is not well. */

export interface Check {
  /** For programs: stays the same whatever the text says. */
  readonly id: string;
  /** `bad`: a shutdown will fail by it. `warn`: it may, or it cannot be known. */
  readonly mark: 'ok' | 'warn' | 'bad';
  readonly text: string;
  /** What to do. */
  readonly hint?: string;
}

export function ok(id: string, text: string): Check {
  return { id, mark: 'ok', text };
}

export function warn(id: string, text: string, hint?: string): Check {
  return { id, mark: 'warn', text, ...(hint === undefined ? {} : { hint }) };
}

export function bad(id: string, text: string, hint?: string): Check {
  return { id, mark: 'bad', text, ...(hint === undefined ? {} : { hint }) };
}

/** What the doctor looks at: the tests give it another. */
export interface Surroundings {
  /** In front of `/proc`, `/sys` and all else; `''` is this machine. */
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
}
