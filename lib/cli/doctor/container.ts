/** In what kind of container this runs, and how much memory and processor it has there. */

import { getHeapStatistics } from 'node:v8';
import { formatBytes } from '../../common/format.js';
import { bad, type Check, ok, type Surroundings, warn } from './check.js';
import { isThere, readText } from './files.js';

export type ContainerKind = 'kubernetes' | 'docker' | 'podman' | 'none';

export function containerKind(surroundings: Surroundings): ContainerKind {
  const groups = readText(surroundings, '/proc/self/cgroup') ?? '';
  if (surroundings.env.KUBERNETES_SERVICE_HOST !== undefined || groups.includes('kubepods')) {
    return 'kubernetes';
  }
  if (isThere(surroundings, '/run/.containerenv')) return 'podman';
  return isThere(surroundings, '/.dockerenv') ? 'docker' : 'none';
}

export function containerChecks(
  surroundings: Surroundings,
  heapLimit = getHeapStatistics().heap_size_limit,
): readonly Check[] {
  const kind = containerKind(surroundings);
  return [
    ok('container', kind === 'none' ? 'In no container' : `In a container (${kind})`),
    memoryCheck(limitOf(surroundings, MEMORY), heapLimit),
    processorCheck(limitOf(surroundings, PROCESSOR)),
    ...(kind === 'none' ? [] : firstProcessChecks(surroundings)),
  ];
}

/** What is killed for its memory gets SIGKILL: no step of a shutdown runs. */
function memoryCheck(limit: number | undefined, heapLimit: number): Check {
  if (limit === undefined) return ok('memory', 'Memory: no limit by a control group');
  const text = `Memory: at most ${formatBytes(limit)}`;
  if (heapLimit < limit) return ok('memory', text);
  return warn(
    'memory',
    `${text}, and JavaScript's heap may grow to ${formatBytes(heapLimit)}`,
    'Above the limit comes SIGKILL, and no shutdown: set --max-old-space-size below it, with room for native memory.',
  );
}

function processorCheck(limit: number | undefined): Check {
  if (limit === undefined) return ok('processor', 'Processor: no limit by a control group');
  const text = `Processor: at most ${Math.round(limit * 100) / 100} CPUs`;
  return limit >= 0.5
    ? ok('processor', text)
    : warn('processor', text, 'Steps take their time then: measure a shutdown with this limit.');
}

interface Limit {
  /** The controller of version 1, whose folder it is. */
  readonly controller: string;
  /** The file of version 2, and those of version 1. */
  readonly unified: string;
  readonly old: readonly string[];
  /** Undefined where the files set none. */
  readonly parse: (...contents: readonly string[]) => number | undefined;
}

/** Version 1 says "no limit" by a number near to 2^63. */
const NO_LIMIT = 2 ** 60;

const MEMORY: Limit = {
  controller: 'memory',
  unified: 'memory.max',
  old: ['memory.limit_in_bytes'],
  parse: (text = '') => {
    const bytes = Number(text);
    return text !== '' && bytes < NO_LIMIT ? bytes : undefined;
  },
};

const PROCESSOR: Limit = {
  controller: 'cpu',
  unified: 'cpu.max',
  old: ['cpu.cfs_quota_us', 'cpu.cfs_period_us'],
  parse: (...contents) => {
    const [quota, period] = contents.join(' ').split(' ').map(Number);
    const share = (quota ?? NaN) / (period ?? NaN);
    return share > 0 ? share : undefined;
  },
};

/** The smallest from this process's group up: each bounds those in it. */
function limitOf(surroundings: Surroundings, limit: Limit): number | undefined {
  const { path, mount, files } = placeOf(surroundings, limit);
  const found: number[] = [];
  for (let at = path; ; at = at.replace(/\/[^/]*$/u, '')) {
    const contents = files.map((file) => readText(surroundings, `${mount}${at}/${file}`)?.trim());
    const values = contents.filter((content) => content !== undefined);
    const value = values.length === files.length ? limit.parse(...values) : undefined;
    if (value !== undefined) found.push(value);
    if (at === '') break;
  }
  return found.length === 0 ? undefined : Math.min(...found);
}

function placeOf(
  surroundings: Surroundings,
  { controller, unified, old }: Limit,
): { path: string; mount: string; files: readonly string[] } {
  const lines = (readText(surroundings, '/proc/self/cgroup') ?? '').split('\n');
  for (const line of lines) {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(.*)$/u.exec(line) ?? [];
    if (!controllers.split(',').includes(controller)) continue;
    return { path: trimmed(path), mount: `/sys/fs/cgroup/${controller}`, files: old };
  }
  const path = lines.find((line) => line.startsWith('0::'))?.slice(3) ?? '';
  return { path: trimmed(path), mount: '/sys/fs/cgroup', files: [unified] };
}

function trimmed(path: string): string {
  return path.replace(/\/+$/u, '');
}

const SHELLS = /^(?:ba|da|a|z)?sh$|^npm|^yarn|^pnpm|^npx/u;

/** PID 1 gets the signals of the container's end; a shell there keeps them to itself. */
function firstProcessChecks(surroundings: Surroundings): readonly Check[] {
  const name = readText(surroundings, '/proc/1/comm')?.trim();
  if (name === undefined) return [];
  const text = `PID 1 is ${name}`;
  if (!SHELLS.test(name)) return [ok('pid-1', text)];
  return [
    bad(
      'pid-1',
      `${text}, which may pass no SIGTERM on to the service`,
      'Start the service itself: CMD ["node", "service.js"], or `exec node service.js` in a script.',
    ),
  ];
}
