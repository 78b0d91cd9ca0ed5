#!/usr/bin/env bash
# Builds and runs the C++ suites: test-native.sh [plain] [no-toolkit] [asan] [tsan]; without a name,
# all of them. Each has a build folder of its own, build-<name>. `cuda`, which is not among all, runs
# the runtime's suites on NVIDIA's runtime: each test is skipped where there is no device.
set -euo pipefail
cd "$(dirname "$0")/.."

run() {
  local name=$1
  shift
  echo "== C++ suites, $name"
  local log=build-$name.log
  { cmake -S . -B "build-$name" -DCUDA_SHUTDOWN_TESTS=ON "$@" &&
    cmake --build "build-$name" --parallel "$(nproc)"; } >"$log" 2>&1 || { cat "$log"; return 1; }
  ctest --test-dir "build-$name" --output-on-failure --parallel "$(nproc)" | grep -Ev '^ +Start|   Passed  '
}

[ $# -gt 0 ] || set -- plain no-toolkit asan tsan
for suite in "$@"; do
  case $suite in
    plain) run plain ;;
    no-toolkit) run no-toolkit -DCUDA_SHUTDOWN_TOOLKIT=OFF ;;
    asan) run asan -DCMAKE_BUILD_TYPE=Debug -DCUDA_SHUTDOWN_SANITIZE=address,undefined ;;
    tsan) run tsan -DCMAKE_BUILD_TYPE=Debug -DCUDA_SHUTDOWN_SANITIZE=thread ;;
    cuda)
      run cuda -DSIMULATOR_TESTS_ON=cuda
      build-cuda/test/native/runtime_tests | grep -m1 'no CUDA device' || true
      ;;
    *) echo "Expected plain, no-toolkit, asan, tsan or cuda, got $suite" >&2; exit 2 ;;
  esac
done
