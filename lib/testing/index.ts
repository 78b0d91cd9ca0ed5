/** `cuda-shutdown/testing`: the simulated CUDA runtime, for the tests of services. */

export { type DeviceLedger, type Ledger, type ProcessLedger, readLedger } from './ledger.js';
export type { SimulationOptions } from './options.js';
export {
  callCount,
  injectFault,
  ledger,
  releaseHangs,
  simulateCuda,
  simulatedEnvironment,
  waitForCall,
  type WaitOptions,
} from './simulation.js';
