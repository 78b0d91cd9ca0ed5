#!/usr/bin/env bash
# Runs on the machine's device what must hold on any: the C++ suites of both runtimes, and test/gpu.
# CUDA_SHUTDOWN_TEST_BACKEND: without it, where there is no device, it says why and ends with 0;
# with `cuda` that is an error; with `simulated` the same files run on the simulated device.
set -euo pipefail
cd "$(dirname "$0")/.."

backend=${CUDA_SHUTDOWN_TEST_BACKEND:-auto}
npm run --silent build:ts
device=$(CUDA_SHUTDOWN_BACKEND=$backend node --input-type=module -e "
  import { cuda } from 'cuda-shutdown';
  if (cuda.isAvailable()) console.log(cuda.getDeviceProperties().name, 'by', cuda.backend);
  else console.error('GPU tests: skipped, ' + cuda.unavailableReason.message);")
[ -n "$device" ] || exit 0
echo "GPU tests: on $device"

if [ "$backend" = simulated ]; then
  scripts/test-native.sh plain
else
  export CUDA_SHUTDOWN_TEST_BACKEND=cuda
  nvidia-smi || true
  scripts/test-native.sh cuda
fi
node --experimental-vm-modules node_modules/jest/bin/jest.js --runInBand test/gpu
