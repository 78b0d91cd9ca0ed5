/** Sizes and times for people. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `90.9 MiB`; whole numbers below 1 KiB. */
export function formatBytes(bytes: number): string {
  let value = Math.abs(bytes);
  let unit = 0;
  // What would be shown as 1024.0 is one of the next unit.
  while (value >= 1023.95 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 ? 0 : value < 10 ? 2 : 1;
  return `${bytes < 0 ? '-' : ''}${value.toFixed(digits)} ${UNITS[unit] ?? 'B'}`;
}

/** `41.2 of 80.0 GiB`, and with the units of both where they differ. */
export function formatPart(bytes: number, total: number): string {
  const [part, whole] = [formatBytes(bytes), formatBytes(total)];
  const [value = '', unit = ''] = part.split(' ');
  return `${whole.endsWith(` ${unit}`) ? value : part} of ${whole}`;
}

/** `12 ms`, `3.4 s`, `2 min 5 s`. */
export function formatDuration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
