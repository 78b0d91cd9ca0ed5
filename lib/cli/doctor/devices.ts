/** The addon, the CUDA runtime, the driver and its devices. */

import { formatBytes } from '../../common/format.js';
import { amount, fields, type Fields, list, text } from '../course/values.js';
import { type Answer, ask } from './ask.js';
import { runBounded } from './bounded.js';
import { bad, type Check, ok, type Surroundings, warn } from './check.js';
import { isThere } from './files.js';

const DRIVER_HANGS =
  'If it is the driver that does not answer, `dmesg` says more in its lines with NVRM and Xid.';

export async function deviceChecks(surroundings: Surroundings): Promise<readonly Check[]> {
  const answer = await ask('devices');
  const { said, lines, broken } = answer;
  const devices = lines.map(({ device }) => device).filter((device) => device !== undefined);
  return [
    ...addonChecks(answer),
    ...(said.kind === undefined ? [] : [backendCheck(said, surroundings)]),
    ...devices.map((device) => deviceCheck(fields(device))),
    ...(said.kind === 'cuda' ? [await nvmlCheck(said)] : []),
    ...(broken === undefined ? [] : [bad('driver', `The probe ${broken}`, DRIVER_HANGS)]),
  ];
}

function addonChecks({ said }: Answer): readonly Check[] {
  const failed = text(said.failed);
  const files = list(said.files).join(', ');
  const [problem = '', ...advice] = failed?.split('\n') ?? [];
  const failure =
    failed === undefined ? [] : [bad('addon', problem, advice.join(' ') || undefined)];
  if (files === '') return failure;
  const by = files.includes('/build/') ? 'built on this machine' : 'as it came with the package';
  const what =
    said.runtime === 'simulated'
      ? 'on the simulated runtime'
      : `on the CUDA runtime ${versionText(said.runtimeVersion)}, its toolkit's`;
  return [ok('addon', `Addon: ${files} (${by}), ${what}`), ...failure];
}

function backendCheck(said: Fields, surroundings: Surroundings): Check {
  const { kind, setting, reason, driverVersion } = said;
  const chosen = `CUDA_SHUTDOWN_BACKEND is ${text(setting) ?? 'auto'}`;
  const { message } = fields(reason);
  if (kind === 'simulated') {
    return warn(
      'backend',
      `Backend: simulated (${chosen}): no GPU memory is held or freed`,
      'For real devices, unset CUDA_SHUTDOWN_BACKEND.',
    );
  }
  if (kind === 'cuda')
    return ok(
      'backend',
      `Backend: cuda (${chosen}), driver for CUDA ${versionText(driverVersion)}`,
    );
  const hint = isThere(surroundings, '/dev/nvidiactl')
    ? 'The driver is there: is it as new as the runtime, and does CUDA_VISIBLE_DEVICES hide its devices?'
    : 'No NVIDIA driver here (/dev/nvidiactl). In a container: --gpus all, or the resource nvidia.com/gpu.';
  return warn(
    'backend',
    `Backend: none (${chosen}): ${text(message) ?? 'no device'}; loadModel() will throw`,
    hint,
  );
}

function deviceCheck(device: Fields): Check {
  const { index, name, totalMemory, computeCapability, memoryPoolsSupported } = device;
  const { major, minor } = fields(computeCapability);
  const is = `cuda:${amount(index) ?? '?'} ${text(name) ?? ''}, ${formatBytes(amount(totalMemory) ?? 0)}, compute ${amount(major) ?? '?'}.${amount(minor) ?? '?'}`;
  return memoryPoolsSupported === true
    ? ok('device', `${is}, memory pools`)
    : warn('device', `${is}, no memory pools`, 'Every load asks the driver: there is no cache.');
}

const NVML_MS = 5000;

/** Without NVML what the process holds is taken from what is free: less exact, and nothing worse. */
async function nvmlCheck({ nvml }: Fields): Promise<Check> {
  const without = 'What the process holds is then the difference in what the device has free.';
  if (nvml !== true) return warn('nvml', 'NVML (libnvidia-ml.so.1) does not load', without);
  const { end, code } = await runBounded('nvidia-smi', ['-L'], NVML_MS);
  if (end === 'missing') return ok('nvml', 'NVML loads');
  if (end === 'hung') return bad('nvml', `nvidia-smi hung for ${NVML_MS / 1000} s`, DRIVER_HANGS);
  return end === 'exited' && code === 0
    ? ok('nvml', 'NVML loads and answers')
    : warn('nvml', `NVML loads, but nvidia-smi failed (${code ?? 'killed'})`, without);
}

/** CUDA's `13010` is 13.1. */
function versionText(version: unknown): string {
  const number = amount(version) ?? 0;
  if (number === 0) return 'none';
  return `${Math.floor(number / 1000)}.${Math.floor((number % 1000) / 10)}`;
}
