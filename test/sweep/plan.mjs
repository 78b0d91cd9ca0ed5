// Which calls are disturbed, and how: pure.

/** Milliseconds: longer than a lane waits before it goes on without its thread. */
const SLOW_MS = 120;

const EFFECTS = [
  { name: 'out of memory', effect: 'error:2' },
  { name: 'invalid value', effect: 'error:1' },
  { name: 'not ready', effect: 'error:600', only: ['cudaEventQuery'] },
  { name: 'illegal address', effect: 'sticky:700' },
  { name: 'launch failure', effect: 'sticky:719' },
  { name: 'slow', effect: `slow:${SLOW_MS}` },
  { name: 'hang', effect: 'hang' },
];

/** A fault as the simulated runtime's grammar has it, taken apart. @throws Error for anything else */
export function faultOf(text) {
  const [, call, nth, effect, code] =
    /^(\w+)#(\d+)(?:@\d+)?=(error|sticky|slow|hang)(?::(\d+))?$/.exec(text) ?? [];
  if (call === undefined) {
    throw new Error(`Expected a fault as \`cudaFreeAsync#3=error:1\`, got \`${text}\``);
  }
  return { text, call, nth: Number(nth), kind: effect, ...(code && { code: Number(code) }) };
}

/** Every call of every function with every effect. */
export function everyFault(counts) {
  return faults(counts, (count) => Array.from({ length: count }, (_, index) => index + 1));
}

/** The first, the second, the middle and the last call of every function with every effect. */
export function sampleOfFaults(counts) {
  return faults(counts, (count) => [...new Set([1, 2, Math.ceil(count / 2), count])]);
}

function faults(counts, which) {
  return Object.entries(counts).flatMap(([call, count]) =>
    count === 0
      ? []
      : EFFECTS.filter(({ only }) => only?.includes(call) ?? true).flatMap(({ name, effect }) =>
          which(count)
            .filter((nth) => nth <= count)
            .map((nth) => ({ ...faultOf(`${call}#${nth}=${effect}`), effect: name })),
        ),
  );
}
