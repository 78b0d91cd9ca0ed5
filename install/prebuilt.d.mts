export interface Prebuilt {
  /** `@cuda-shutdown/linux-x64`, also where there is no such package. */
  readonly name: string;
  /** Ours, which it must have. */
  readonly version: string;
  /** Where its addons are, if it fits. */
  readonly folder?: string;
  /** Why it does not fit, else. */
  readonly unfit?: string;
  /** The least versions of the system's libraries that its addons were linked against. */
  readonly needs?: { readonly glibc: string; readonly glibcxx: string };
}

/** `root`: the folder of this package. */
export function findPrebuilt(root: string): Prebuilt;

export function describeLibc(root: string): string;

export const PLATFORMS: readonly string[];
