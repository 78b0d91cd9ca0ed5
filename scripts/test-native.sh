#!/usr/bin/env bash
# Builds and runs the C++ suites: test-native.sh [plain] [no-toolkit] [asan] [tsan]; without a name,
# all of them. Each has a build folder of its own, build-<name>.
set -euo pipefail
cd "$(dirname "$0")/.."

run() {
  local name=$1
  shift
  echo "== C++ suites, $name"
  cmake -S . -B "build-$name" -DCUDA_SHUTDOWN_TESTS=ON "$@" >"/tmp/cuda-shutdown-cmake-$name.log" 2>&1 ||
    { cat "/tmp/cuda-shutdown-cmake-$name.log"; return 1; }
  cmake --build "build-$name" --parallel "$(nproc)" -- --no-print-directory 2>&1 |
    grep -Ev '^\[ *[0-9]+%\] (Building|Built|Linking)|^make' || true
  cmake --build "build-$name" --parallel "$(nproc)" >/dev/null
  ctest --test-dir "build-$name" --output-on-failure --parallel "$(nproc)"
}

[ $# -gt 0 ] || set -- plain no-toolkit asan tsan
for suite in "$@"; do
  case $suite in
    plain) run plain ;;
    no-toolkit) run no-toolkit -DCUDA_SHUTDOWN_TOOLKIT=OFF ;;
    asan) run asan -DCMAKE_BUILD_TYPE=Debug -DCUDA_SHUTDOWN_SANITIZE=address,undefined ;;
    tsan) run tsan -DCMAKE_BUILD_TYPE=Debug -DCUDA_SHUTDOWN_SANITIZE=thread ;;
    *) echo "Expected plain, no-toolkit, asan or tsan, got $suite" >&2; exit 2 ;;
  esac
done
