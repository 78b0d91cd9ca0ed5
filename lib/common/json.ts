/** Anything as JSON: pure. What comes from a service may have no form in it, or throw on the way. */

/** @throws what a getter or a `toJSON` inside `value` throws. */
export function toJson(value: unknown, indent?: number): string | undefined {
  return JSON.stringify(value, replacer(), indent);
}

/** The value as it would be read back from JSON. Never throws. */
export function plain(value: unknown): unknown {
  try {
    const json = toJson(value);
    return json === undefined ? undefined : (JSON.parse(json) as unknown);
  } catch {
    return '(could not be turned into JSON)';
  }
}

/** What JSON has no form for is written as text; an object inside itself is cut there. */
function replacer(): (this: unknown, key: string, value: unknown) => unknown {
  const path: unknown[] = [];
  return function (key, value) {
    if (typeof value === 'bigint') return value.toString();
    if (typeof value === 'function' || typeof value === 'symbol') return undefined;
    if (typeof value !== 'object' || value === null) return value;
    // `this` holds the key: everything on the path behind it has been left.
    while (path.length > 0 && path.at(-1) !== this) path.pop();
    if (path.includes(value)) return '(circular)';
    const replaced = plainOf(value);
    path.push(replaced);
    return replaced;
  };
}

function plainOf(value: object): object {
  if (value instanceof Error) return { name: value.name, message: value.message };
  if (value instanceof Map) return Object.fromEntries(value) as object;
  if (value instanceof Set) return [...value] as unknown[];
  return value;
}
