/** What takes the values of a JSON text, one reader a value, as the text is read. */

export type Literal = string | number | boolean | null;

/** Takes one value; an object or an array only where it has the method. */
export interface ValueReader {
  /** What messages say should have come, as 'an object'. */
  readonly expects: string;
  /** Answers whether it takes the value. `text` is how it is written: of a number every digit. */
  literal?(value: Literal, text: string): boolean;
  object?(): Members;
  array?(): Elements;
}

/** Is asked for a reader at each key, in the order and as often as they stand. */
export interface Members {
  member(key: string): ValueReader;
  end?(): void;
}

/** Is asked for a reader at each element. */
export interface Elements {
  element(): ValueReader;
  end?(): void;
}

/** Any value, checked and forgotten. */
export const ANYTHING: ValueReader = {
  expects: 'a value',
  literal: () => true,
  object: () => ({ member: () => ANYTHING }),
  array: () => ({ element: () => ANYTHING }),
};

export const NULL: ValueReader = {
  expects: '`null`',
  literal: (value) => value === null,
};
