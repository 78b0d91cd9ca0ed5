/** An object as it is, except that some of its methods do something around the call. */

export type Method = (...args: unknown[]) => unknown;

export interface Guards {
  /** What stands for the method `key`; undefined where it stays as it is. */
  method(key: PropertyKey, original: Method): Method | undefined;
  /** What stands for the call of the object itself, where it is a function. */
  call?(original: Method): Method;
}

/**
 * Methods are called on the object itself, not on the proxy: private members, which the classes of
 * runtimes have, exist only there.
 */
export function guarded<T extends object>(target: T, guards: Guards): T {
  const cache = new Map<PropertyKey, { readonly original: Method; readonly guard: Method }>();
  const guardOf = (key: PropertyKey, original: Method): Method => {
    const cached = cache.get(key);
    if (cached?.original === original) return cached.guard;
    const bound: Method = (...args) => Reflect.apply(original, target, args);
    const guard = guards.method(key, bound) ?? bound;
    cache.set(key, { original, guard });
    return guard;
  };
  const call = guards.call?.((...args) => Reflect.apply(target as unknown as Method, target, args));
  return new Proxy(target, {
    get(object, key) {
      const value: unknown = Reflect.get(object, key);
      return typeof value === 'function' && key !== 'constructor'
        ? guardOf(key, value as Method)
        : value;
    },
    set: (object, key, value) => Reflect.set(object, key, value),
    ...(call === undefined
      ? {}
      : { apply: (_object, _this, args) => call(...(args as unknown[])) }),
  });
}
