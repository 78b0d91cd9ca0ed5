#!/usr/bin/env bash
# Fuzzes every input of the package: fuzz.sh [--seconds 10] [target …]; each target runs for as long.
# Native targets are those of test/native/fuzz (libFuzzer, with AddressSanitizer and UBSan), seeded from
# test/fuzz/corpus; what they learn stays in build-fuzz-native/corpus. `headers` reads safetensors headers
# (test/fuzz/headers.mjs), `arguments` calls the addon (test/native-addon/arguments.test.ts).
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=10
if [ "${1:-}" = --seconds ]; then
  seconds=$2
  shift 2
fi

build=build-fuzz-native
native() {
  local name=$1 corpus=$build/corpus/$1 log=$build/$1.log
  mkdir -p "$corpus" "test/fuzz/corpus/$name"
  "$build/test/native/fuzz/fuzz_$name" -max_total_time="$seconds" -max_len=4096 -timeout=60 \
    -artifact_prefix="$build/" "$corpus" "test/fuzz/corpus/$name" >"$log" 2>&1 || {
    tail -n 60 "$log"
    return 1
  }
  echo "$name: $(tail -n 1 "$log")"
}

if [ $# -eq 0 ]; then
  mapfile -t natives < <(basename -s .cc -a test/native/fuzz/*.cc)
  set -- "${natives[@]}" headers arguments
fi
if [ -n "$(comm -12 <(printf '%s\n' "$@" | sort) <(basename -s .cc -a test/native/fuzz/*.cc | sort))" ]; then
  log=$build.log
  { CXX=clang++-14 cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCUDA_SHUTDOWN_TOOLKIT=OFF \
    -DCUDA_SHUTDOWN_FUZZ=ON -DCUDA_SHUTDOWN_SANITIZE=fuzzer-no-link,address,undefined &&
    cmake --build "$build" --parallel "$(nproc)"; } >"$log" 2>&1 || { cat "$log"; exit 1; }
fi
for target in "$@"; do
  case $target in
    headers) node test/fuzz/headers.mjs --seconds "$seconds" ;;
    arguments)
      CUDA_SHUTDOWN_FUZZ_RUNS=$((seconds * 500)) node --experimental-vm-modules \
        node_modules/jest/bin/jest.js test/native-addon/arguments.test.ts
      ;;
    *) native "$target" ;;
  esac
done
