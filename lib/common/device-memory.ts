/** What is known of a device's memory, in bytes: read from the device, or by the process's own count. */

/** What the process holds of one device by its own count, which never asks a driver that may hang. */
export interface HeldMemory {
  /** The device's index. */
  readonly device: number;
  readonly bytes: number;
}

/** Memory of one device at one moment, read on the device's own thread. */
export interface MemoryReading {
  /** As the driver sees them, whoever holds the rest: `cudaMemGetInfo`. */
  readonly free: number;
  readonly total: number;
  /** What of the package's own pool is in use, and what the pool holds. */
  readonly allocated: number;
  readonly reserved: number;
}

/** What one process holds of a device, and how that is known. */
export interface ProcessMemory {
  readonly bytes: number;
  /** By NVML, or by the difference to what was free when the process first used the device. */
  readonly source: 'nvml' | 'device-delta';
}

/** The same with what the process holds of the device, whoever allocated it; undefined where unknown. */
export interface MeasuredMemory extends MemoryReading {
  readonly process?: ProcessMemory;
}

/** One device at one moment. */
export interface MeasuredDevice {
  readonly index: number;
  readonly name: string;
  /** Undefined where it could not be read in time. */
  readonly memory?: MeasuredMemory | undefined;
}
