/** How long whoever ends the service waits before SIGKILL, against the service's own `timeoutMs`. */

import { formatDuration } from '../../common/format.js';
import { runBounded } from './bounded.js';
import { bad, type Check, ok, type Surroundings, warn } from './check.js';
import { containerKind } from './container.js';
import { readText } from './files.js';

export interface GraceOptions {
  readonly timeoutMs: number;
  readonly graceSeconds?: number;
  readonly unit?: string;
}

/** For the arrival of the signal, and for the exit. */
const ROOM_MS = 1000;

export async function graceChecks(
  surroundings: Surroundings,
  options: GraceOptions,
): Promise<readonly Check[]> {
  const taken = `timeoutMs is taken to be ${formatDuration(options.timeoutMs)} (--timeout-ms)`;
  return [
    ok('timeout', taken),
    ...givenChecks(surroundings, options),
    ...(await systemdChecks(surroundings, options)),
    ...pm2Checks(surroundings, options),
  ];
}

/** @param more What to set, as `terminationGracePeriodSeconds: 35`. */
function compare(
  id: string,
  what: string,
  graceMs: number,
  timeoutMs: number,
  more: (seconds: number) => string,
): Check {
  const text = `${what} is ${formatDuration(graceMs)}, timeoutMs ${formatDuration(timeoutMs)}`;
  if (graceMs >= timeoutMs + ROOM_MS) return ok(id, text);
  const less = graceMs > 3 * ROOM_MS ? ` or timeoutMs: ${Math.floor(graceMs - 2 * ROOM_MS)}` : '';
  const hint = `Set ${more(Math.ceil(timeoutMs / 1000) + 5)}${less}.`;
  return graceMs > timeoutMs
    ? warn(id, `${text}: hardly enough`, hint)
    : bad(id, `${text}: SIGKILL comes before the deadline, and leaves no report`, hint);
}

/** An option or a variable, for nothing in a container knows it. */
function givenChecks(surroundings: Surroundings, options: GraceOptions): readonly Check[] {
  const { env } = surroundings;
  const { timeoutMs, graceSeconds } = options;
  const variable = env.TERMINATION_GRACE_PERIOD_SECONDS;
  const seconds = graceSeconds ?? (variable === undefined ? undefined : Number(variable));
  const kind = containerKind(surroundings);
  if (seconds !== undefined && !(seconds > 0)) {
    const message = `Expected TERMINATION_GRACE_PERIOD_SECONDS to be a positive number, got \`${variable ?? ''}\``;
    return [bad('grace', message)];
  }
  const setting =
    kind === 'docker' || kind === 'podman' ? 'stop_grace_period' : 'terminationGracePeriodSeconds';
  if (seconds !== undefined) {
    const more = (enough: number): string =>
      kind === 'docker' || kind === 'podman' ? `--stop-timeout ${enough}` : `${setting}: ${enough}`;
    return [compare('grace', 'The grace period', seconds * 1000, timeoutMs, more)];
  }
  if (kind === 'kubernetes') {
    return [
      warn(
        'grace',
        'Kubernetes does not show terminationGracePeriodSeconds inside a pod (its default is 30 s, preStop included)',
        `It must be above ${formatDuration(timeoutMs)}: pass --grace-seconds, or set TERMINATION_GRACE_PERIOD_SECONDS beside it in the manifest.`,
      ),
    ];
  }
  if (kind === 'docker' || kind === 'podman') {
    const text = `\`${kind} stop\` waits 10 s by default, timeoutMs is ${formatDuration(timeoutMs)}`;
    const enough = Math.ceil(timeoutMs / 1000) + 5;
    return [
      timeoutMs + ROOM_MS <= 10_000
        ? ok('grace', text)
        : warn(
            'grace',
            text,
            `Use --stop-timeout ${enough} (or stop_grace_period: ${enough}s), and pass --grace-seconds ${enough} here.`,
          ),
    ];
  }
  return [];
}

const SYSTEMCTL_MS = 3000;

async function systemdChecks(
  surroundings: Surroundings,
  { timeoutMs, unit: given }: GraceOptions,
): Promise<readonly Check[]> {
  const found = unitOf(readText(surroundings, '/proc/self/cgroup') ?? '');
  const unit = given ?? found?.unit;
  if (unit === undefined) return [];
  const user = given === undefined && found?.user === true ? ['--user'] : [];
  const args = [...user, 'show', '--property=TimeoutStopUSec', '--value', '--', unit];
  const { end, code, stdout, stderr } = await runBounded('systemctl', args, SYSTEMCTL_MS);
  const graceMs = systemdTime(stdout.trim());
  if (graceMs === undefined) {
    const why = end === 'exited' ? `exit code ${code ?? ''}: ${stderr.trim().slice(0, 200)}` : end;
    const text = `What systemd gives ${unit} to stop could not be asked (systemctl: ${why})`;
    return [warn('systemd', text, 'Compare TimeoutStopSec= in its unit with timeoutMs yourself.')];
  }
  const more = (seconds: number): string => `TimeoutStopSec=${seconds}`;
  return [compare('systemd', `TimeoutStopSec of ${unit}`, graceMs, timeoutMs, more)];
}

/** The innermost service that this process is in. */
export function unitOf(cgroup: string): { unit: string; user: boolean } | undefined {
  const path = /^(?:0:|\d+:name=systemd):(.*)$/mu.exec(cgroup)?.[1] ?? '';
  const units = path.split('/').filter((part) => part.endsWith('.service'));
  const unit = units.at(-1);
  // The manager of a user's units is no service of anybody's.
  if (unit === undefined || /^user@\d+\.service$/u.test(unit)) return undefined;
  return { unit, user: units.some((one) => /^user@\d+\.service$/u.test(one)) };
}

const UNITS: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** `1min 30s` in milliseconds; undefined for what is no time. */
export function systemdTime(text: string): number | undefined {
  if (text === 'infinity') return Infinity;
  if (!/^(?:[\d.]+(?:us|ms|s|min|h|d|w)\s*)+$/u.test(text)) return undefined;
  const parts = [...text.matchAll(/([\d.]+)(us|ms|s|min|h|d|w)/gu)];
  return parts.reduce((sum, [, number, unit = '']) => sum + Number(number) * (UNITS[unit] ?? 0), 0);
}

/** PM2's own default. */
const PM2_KILL_MS = 1600;

function pm2Checks({ env }: Surroundings, { timeoutMs }: GraceOptions): readonly Check[] {
  if (env.pm_id === undefined) return [];
  const given = Number(env.kill_timeout);
  const graceMs = given > 0 ? given : PM2_KILL_MS;
  const what = given > 0 ? "PM2's kill_timeout" : "PM2's kill_timeout (its default)";
  const more = (seconds: number): string => `kill_timeout: ${seconds * 1000}`;
  return [compare('pm2', what, graceMs, timeoutMs, more)];
}
