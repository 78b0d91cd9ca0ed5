/** Node, the platform, and the limits of this process. */

import { manifest } from '../package.js';
import { bad, type Check, ok, type Surroundings, warn } from './check.js';
import { readText } from './files.js';

export function machineChecks(surroundings: Surroundings): readonly Check[] {
  return [
    nodeCheck(process.versions.node, manifest().engines.node),
    platformCheck(process.platform, process.arch),
    ...tracerChecks(surroundings),
    ...ptraceChecks(surroundings),
    ...lockedMemoryChecks(surroundings),
    environmentCheck(surroundings),
    terminalCheck(process.stderr),
  ];
}

export function nodeCheck(version: string, range: string): Check {
  return satisfies(version, range)
    ? ok('node', `Node ${version}`)
    : bad('node', `Node ${version}, but the package needs ${range}`, 'Install one of these.');
}

/** For ranges as this package's own: `^1.2.3 || >=4`. */
function satisfies(version: string, range: string): boolean {
  const numbers = (text: string): readonly number[] =>
    text.split('.').map((part) => parseInt(part));
  const is = numbers(version);
  return range.split('||').some((part) => {
    const [, operator, least = ''] = /^\s*(\^|>=)\s*([\d.]+)\s*$/u.exec(part) ?? [];
    const needed = numbers(least);
    if (operator === undefined) return false;
    if (operator === '^' && is[0] !== needed[0]) return false;
    const differs = needed.findIndex((number, index) => number !== (is[index] ?? 0));
    return differs === -1 || (is[differs] ?? 0) > (needed[differs] ?? 0);
  });
}

function platformCheck(platform: string, arch: string): Check {
  const text = `${platform} ${arch}`;
  if (platform !== 'linux') return bad('platform', text, 'The package is for Linux.');
  return ['x64', 'arm64'].includes(arch)
    ? ok('platform', text)
    : warn('platform', text, 'Nobody has tried the package on this processor.');
}

function tracerChecks(surroundings: Surroundings): readonly Check[] {
  const status = readText(surroundings, '/proc/self/status') ?? '';
  const tracer = /^TracerPid:\s*([1-9]\d*)$/mu.exec(status)?.[1];
  if (tracer === undefined) return [];
  const hint = 'A debugger stops the process at signals, and the time goes on: detach it.';
  return [warn('tracer', `Process ${tracer} traces this one`, hint)];
}

/** Whether a stuck service can be looked at with gdb. */
function ptraceChecks(surroundings: Surroundings): readonly Check[] {
  const scope = readText(surroundings, '/proc/sys/kernel/yama/ptrace_scope')?.trim();
  if (scope === undefined) return [];
  const who = ['anyone of the same user', 'parents and root', 'root', 'nobody'][Number(scope)];
  return [
    ok('ptrace', `A stuck process can be traced by ${who ?? 'some'} (ptrace_scope ${scope})`),
  ];
}

function lockedMemoryChecks(surroundings: Surroundings): readonly Check[] {
  const limits = readText(surroundings, '/proc/self/limits') ?? '';
  const soft = /^Max locked memory\s+(\S+)/mu.exec(limits)?.[1];
  if (soft === undefined) return [];
  const shown = soft === 'unlimited' ? soft : `${Math.floor(Number(soft) / 1024)} KiB`;
  return [ok('memlock', `Locked memory: ${shown} (ulimit -l)`)];
}

function environmentCheck({ env }: Surroundings): Check {
  return ok('node-env', env.NODE_ENV ? `NODE_ENV is ${env.NODE_ENV}` : 'NODE_ENV is not set');
}

function terminalCheck({ isTTY, columns }: NodeJS.WriteStream): Check {
  if (!isTTY) return ok('terminal', 'stderr is no terminal: a shutdown writes plain lines');
  return columns > 0
    ? ok('terminal', `stderr is a terminal of ${columns} columns: a shutdown shows spinners`)
    : warn('terminal', 'stderr is a terminal of 0 columns: a shutdown writes plain lines');
}
