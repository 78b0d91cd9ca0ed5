/** What a simulated runtime is made of, checked, and as the environment of a process says it. */

import { expected } from '../common/expected.js';
import { nonEmptyString, optionsObject } from '../common/options.js';

/** What the simulated runtime is made of. */
export interface SimulationOptions {
  /** From 0 to 64. Default 1. */
  readonly devices?: number | undefined;
  /** Bytes of each device, also as `'16GiB'`. Default `'16GiB'`. */
  readonly memory?: number | string | undefined;
  /**
   * What calls of the runtime do instead of their work, each as `function[#n][@device]=effect`: the n-th
   * call, or every one, on one device or any. The effect is `error:CODE`, `sticky:CODE` (the device then
   * answers CODE for ever), `slow:MS`, `hang`, `hang:MS` or `abort`. As in `'cudaFreeAsync#3=hang'`.
   */
  readonly faults?: string | readonly string[] | undefined;
  /** A file that is kept with what is held, also once the process is gone: see `readLedger`. */
  readonly ledger?: string | undefined;
}

/** The same with its defaults, as texts where the runtime parses them. */
export interface SimulationSettings {
  readonly devices: number;
  readonly memory: string;
  readonly faults: string;
  readonly ledger: string;
}

const MAX_DEVICES = 64;

/** @throws TypeError, RangeError */
export function simulationSettings(options: SimulationOptions | undefined): SimulationSettings {
  const given = optionsObject(options, ['devices', 'memory', 'faults', 'ledger']);
  return {
    devices: devices(given.devices),
    memory: memory(given.memory),
    faults: given.faults === undefined ? '' : faultList(given.faults),
    ledger: given.ledger === undefined ? '' : nonEmptyString('the `ledger` option', given.ledger),
  };
}

/** @throws TypeError */
export function faultList(faults: string | readonly string[]): string {
  const list: readonly unknown[] = Array.isArray(faults) ? faults : [faults];
  for (const fault of list) {
    if (typeof fault !== 'string') {
      throw new TypeError(expected('each fault', 'a text as `cudaFreeAsync#3=hang`', fault));
    }
  }
  return list.join(',');
}

function devices(value: unknown): number {
  if (value === undefined) return 1;
  const message = (): string =>
    expected('the `devices` option', `an integer from 0 to ${MAX_DEVICES}`, value);
  if (typeof value !== 'number') throw new TypeError(message());
  if (!Number.isInteger(value) || value < 0 || value > MAX_DEVICES) throw new RangeError(message());
  return value;
}

function memory(value: unknown): string {
  if (value === undefined) return '16GiB';
  if (typeof value === 'string' && value !== '') return value;
  const message = (): string =>
    expected('the `memory` option', 'a positive number of bytes, or a text as `16GiB`', value);
  if (typeof value !== 'number') throw new TypeError(message());
  if (!Number.isSafeInteger(value) || value <= 0) throw new RangeError(message());
  return String(value);
}
