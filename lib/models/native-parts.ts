/**
 * The native models of one model, one for each device and file, as one: they are released side by
 * side (those of one device one after the other, on its thread), and settle together.
 */

import type { MemoryReading } from '../common/device-memory.js';
import type { RemainingTensor } from '../common/errors.js';
import type {
  NativeJob,
  NativeModel,
  NativeReleaseSettlement,
  NativeTensors,
  Outcome,
} from '../native/addon.js';

/** As each part's own: together they would be more often. Less, for timers that are early. */
const PROGRESS_INTERVAL_MS = 15;

/** The tensors of each part, in its order. */
export type Layouts = readonly (readonly { readonly name: string; readonly bytes: number }[])[];

/** Object lifetime. */
export class NativeParts implements NativeModel {
  readonly #parts: readonly NativeTensors[];
  readonly #pointers: readonly BigUint64Array[];
  readonly #tensors: Layouts;
  #releasing = false;

  /** @param parts at least one; @param tensors those of each part: without them nothing can be told of them */
  constructor(parts: readonly NativeTensors[], tensors: Layouts = []) {
    this.#parts = parts;
    this.#tensors = tensors;
    this.#pointers = parts.map((part) => part.pointers());
  }

  /** The first; once a device is lost that still holds a part, that one. */
  get device(): number {
    return (this.#parts.find(isLost) ?? this.#parts[0])?.device ?? 0;
  }

  /** Ascending, each once. */
  get devices(): readonly number[] {
    return [...new Set(this.#parts.map(({ device }) => device))].toSorted((a, b) => a - b);
  }

  get bytes(): number {
    return this.#sum((part) => part.bytes);
  }

  /** In the order of the devices. */
  get bytesByDevice(): ReadonlyMap<number, number> {
    const on = (device: number) => this.#parts.filter((part) => part.device === device);
    return new Map(
      this.devices.map((device) => [device, on(device).reduce((sum, { bytes }) => sum + bytes, 0)]),
    );
  }

  get freedBytes(): number {
    return this.#sum((part) => part.freedBytes);
  }

  get freedBlocks(): number {
    return this.#sum((part) => part.freedBlocks);
  }

  get lost(): boolean {
    return this.#parts.some(isLost);
  }

  /** Where the tensor of this part lies; undefined once the release has begun. */
  pointer(part: number, tensor: number): bigint | undefined {
    return this.#releasing ? undefined : this.#pointers[part]?.[tensor];
  }

  /** All that take memory. */
  allTensors(): readonly RemainingTensor[] {
    return this.#describe((at) => [...(this.#tensors[at] ?? []).keys()]);
  }

  /** Those whose memory is held. */
  heldTensors(): readonly RemainingTensor[] {
    return this.#describe((at) => [...(this.#parts[at]?.held() ?? [])]);
  }

  #describe(indicesOf: (part: number) => readonly number[]): readonly RemainingTensor[] {
    return this.#parts.flatMap(({ device }, at) =>
      indicesOf(at).flatMap((index) => {
        const { name, bytes } = this.#tensors[at]?.[index] ?? { name: '', bytes: 0 };
        return bytes === 0 ? [] : [{ name, bytes, device }];
      }),
    );
  }

  release(
    progress: (freedBytes: number, freedBlocks: number) => void,
    settled: (settlement: NativeReleaseSettlement) => void,
    returned: () => void,
    convoy = 0,
  ): NativeJob {
    const wasReleased = this.#releasing;
    this.#releasing = true;
    const all: NativeReleaseSettlement[] = [];
    let settledParts = 0;
    let away = 0;
    let nextProgressAt = 0;
    // The jobs must not be a variable of this scope: a job that never began holds these callbacks
    // in the addon, and if they held the job, neither could ever be collected.
    return together(
      this.#parts.map((part, index) =>
        part.release(
          () => {
            const now = performance.now();
            if (now < nextProgressAt) return;
            nextProgressAt = now + PROGRESS_INTERVAL_MS;
            progress(this.freedBytes, this.freedBlocks);
          },
          (settlement) => {
            all[index] = settlement;
            settledParts += 1;
            if (settlement.outcome === 'stuck') away += 1;
            if (settledParts < this.#parts.length) return;
            const combined = this.#combine(all);
            // The pointers hold still where nothing has happened.
            this.#releasing = wasReleased || combined.begun;
            // Those that were stuck may have come back while the others were waited for.
            settled(away === 0 ? backAgain(combined) : combined);
          },
          () => {
            away -= 1;
            if (settledParts === this.#parts.length && away === 0) returned();
          },
          convoy,
        ),
      ),
    );
  }

  #sum(of: (part: NativeTensors) => number): number {
    return this.#parts.reduce((sum, part) => sum + of(part), 0);
  }

  #combine(settlements: readonly NativeReleaseSettlement[]): NativeReleaseSettlement {
    const [only, ...others] = settlements;
    if (only !== undefined && others.length === 0) return only;
    const failure =
      settlements.find((each) => each.failure?.kind === 'cuda' && each.failure.sticky)?.failure ??
      settlements.find((each) => each.failure !== undefined)?.failure;
    const sum = (of: (each: NativeReleaseSettlement) => number): number =>
      settlements.reduce((total, each) => total + of(each), 0);
    const { before, after, exclusive } = this.#readings(settlements);
    return {
      begun: settlements.some((each) => each.begun),
      outcome: worst(settlements.map(({ outcome }) => outcome)),
      ...(failure === undefined ? {} : { failure }),
      freedBytes: sum((each) => each.freedBytes),
      freedBlocks: sum((each) => each.freedBlocks),
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
      exclusive,
    };
  }

  /** Each device before its first part and after its last, added up over the devices. */
  #readings(settlements: readonly NativeReleaseSettlement[]): {
    readonly before: MemoryReading | undefined;
    readonly after: MemoryReading | undefined;
    readonly exclusive: boolean;
  } {
    const before: (MemoryReading | undefined)[] = [];
    const after: (MemoryReading | undefined)[] = [];
    let exclusive = settlements.every((each) => each.exclusive);
    for (const device of this.devices) {
      const own = settlements.filter((_, index) => this.#parts[index]?.device === device);
      before.push(own[0]?.before);
      after.push(own.at(-1)?.after);
      // What others did between two parts would be counted as ours.
      exclusive &&= own.every(
        (each, index) => index === 0 || each.before?.allocated === own[index - 1]?.after?.allocated,
      );
    }
    return { before: total(before), after: total(after), exclusive };
  }
}

function together(jobs: readonly NativeJob[]): NativeJob {
  return {
    cancel: () => {
      for (const job of jobs) job.cancel();
    },
  };
}

function isLost(part: NativeModel): boolean {
  return part.lost && part.freedBytes < part.bytes;
}

function worst(outcomes: readonly Outcome[]): Outcome {
  const severity: readonly Outcome[] = ['stuck', 'failed', 'interrupted', 'done'];
  return severity.find((outcome) => outcomes.includes(outcome)) ?? 'done';
}

/** A settlement as stuck whose stuck parts have come back: how it ended they alone know. */
function backAgain(settlement: NativeReleaseSettlement): NativeReleaseSettlement {
  if (settlement.outcome !== 'stuck') return settlement;
  return { ...settlement, outcome: settlement.failure === undefined ? 'interrupted' : 'failed' };
}

/** Undefined where a device could not be read. */
function total(readings: readonly (MemoryReading | undefined)[]): MemoryReading | undefined {
  const sum = { free: 0, total: 0, allocated: 0, reserved: 0 };
  for (const reading of readings) {
    if (reading === undefined) return undefined;
    sum.free += reading.free;
    sum.total += reading.total;
    sum.allocated += reading.allocated;
    sum.reserved += reading.reserved;
  }
  return sum;
}
