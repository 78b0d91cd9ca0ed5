/** The one shape of message for bad input: what was expected, what came, and its type. */

const MAX_SHOWN = 80;

/** A short text for any value. Never throws. */
export function show(value: unknown): string {
  return `\`${truncate(text(value))}\` (${kind(value)})`;
}

/** ``Expected the `timeoutMs` option to be a positive number, got `-1` (number)`` */
export function expected(what: string, toBe: string, got: unknown): string {
  return `Expected ${what} to be ${toBe}, got ${show(got)}`;
}

function text(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value;
    case 'bigint':
      return `${value.toString()}n`;
    case 'function':
      return value.name === '' ? 'anonymous' : value.name;
    case 'object':
      return value === null ? 'null' : className(value);
    default:
      return String(value);
  }
}

function kind(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value;
}

function className(value: object): string {
  if (Array.isArray(value)) return `Array(${value.length})`;
  try {
    const prototype = Object.getPrototypeOf(value) as { constructor?: { name?: unknown } } | null;
    const name = prototype?.constructor?.name;
    if (typeof name === 'string' && name !== '') return name;
  } catch {
    // A proxy or a getter that throws.
  }
  return 'Object';
}

function truncate(shown: string): string {
  return shown.length > MAX_SHOWN ? `${shown.slice(0, MAX_SHOWN)}…` : shown;
}
