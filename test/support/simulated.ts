/** A fixture on simulated devices: what it told, how it ended, and what the devices' ledger says. */

import { randomUUID } from 'node:crypto';
import { join } from 'node:path';

import { type ChildEnd, runChild } from './child.js';
import { makeFolder } from './folder.js';
import { type ProcessLedger, readLedger } from '../../lib/testing/ledger.js';

export interface World {
  readonly devices?: number;
  /** Bytes per device, also as `16MiB`. */
  readonly memory?: string;
  /** The grammar is in native/simulator/faults.h. */
  readonly faults?: string;
  readonly args?: readonly string[];
  readonly execArgv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface SimulatedEnd<T> extends ChildEnd {
  /** What the fixture gave to `tell()`. */
  readonly told: T;
  readonly ledger: ProcessLedger;
  /** The ledger as it was when the fixture called `keepLedger(name)`. */
  ledgerAt(name: string): ProcessLedger;
}

const folder = makeFolder();

/** The environment of a process with such devices, and where its ledger will be. */
export function simulatedWorld(world: World): { env: Record<string, string>; ledger: string } {
  const ledger = join(folder, `${randomUUID()}.ledger`);
  return {
    ledger,
    env: {
      CUDA_SHUTDOWN_BACKEND: 'simulated',
      CUDA_SHUTDOWN_SIM_DEVICES: String(world.devices ?? 1),
      CUDA_SHUTDOWN_SIM_MEMORY: world.memory ?? '16GiB',
      CUDA_SHUTDOWN_SIM_FAULTS: world.faults ?? '',
      CUDA_SHUTDOWN_SIM_LEDGER: ledger,
      ...world.env,
    },
  };
}

/** Runs a fixture that ends by itself. @throws Error when it told nothing. */
export async function runSimulated<T = Record<string, unknown>>(
  fixture: string,
  world: World = {},
): Promise<SimulatedEnd<T>> {
  const { env, ledger } = simulatedWorld(world);
  const end = await runChild(fixture, {
    env,
    args: world.args ?? [],
    execArgv: world.execArgv ?? [],
  });
  return {
    ...end,
    told: toldBy(end) as T,
    ledger: readLedger(ledger),
    ledgerAt: (name) => readLedger(`${ledger}.${name}`),
  };
}

/** What a fixture gave to `tell()`. */
export function toldBy(end: ChildEnd): unknown {
  const line = end.stdout.split('\n').find((text) => text.startsWith('told '));
  if (line === undefined) throw new Error(`The fixture told nothing: ${JSON.stringify(end)}`);
  return JSON.parse(line.slice('told '.length));
}
