/** The counters of a device as a table for people, in the manner of `torch.cuda.memory_summary`. */

import { formatBytes } from '../common/format.js';
import { backend } from '../native/backend.js';
import { type Device, deviceIndex } from './device.js';
import { type Flow, type Level, memoryStats } from './memory-stats.js';

const COLUMNS = ['Metric', 'Current', 'Peak', 'Total allocated', 'Total freed'] as const;

export function memorySummary(device?: Device): string {
  const stats = memoryStats(device);
  const bytes = (level: Level): string[] => [
    formatBytes(level.current),
    formatBytes(level.peak),
    '-',
    '-',
  ];
  const flow = (all: Flow, format: (value: number) => string): string[] => [
    format(all.current),
    format(all.peak),
    format(all.allocated),
    format(all.freed),
  ];
  const rows = [
    [...COLUMNS],
    ['Allocated memory', ...bytes(stats.allocatedBytes.all)],
    ['Reserved memory', ...bytes(stats.reservedBytes.all)],
    ['Requested memory', ...flow(stats.requestedBytes.all, formatBytes)],
    ['Allocations', ...flow(stats.allocation.all, String)],
  ];
  const widths = COLUMNS.map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(' | ')} |`;
  const [head, ...body] = rows.map(line) as [string, ...string[]];
  const rule = '-'.repeat(head.length);
  const title = `Memory of device ${deviceIndex(device)} (${backend().kind}), out of memory: ${stats.numOoms}`;
  return [title, rule, head, rule, ...body, rule].join('\n');
}
