#!/usr/bin/env bash
# Runs suites whose work is done in child processes on addons that are built with sanitizers, in Node:
# test-sanitizers.sh [--sample] [asan] [tsan]; without a name, both. Node itself is not instrumented, so
# that of its own memory and threads nothing is seen but what passes through functions of libc.
# build-node-<name> is laid out as the package, with the addon where the install step builds it.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

sample=(
  test/native-addon/arguments.test.ts
  test/models/{load,stuck}.test.ts
  test/cuda/lost-device.test.ts
)
all=(
  "${sample[@]}"
  test/native-addon/workers.test.ts
  test/models/{collected,load-failures,queued-files,read,refused,remaining,sharded,spread}.test.ts
  test/cuda/{clean-up,counters,device-arguments,measured-devices,reset-device}.test.ts
  test/shutdown/{natural-end,uninstall,watchdog}.test.ts
  test/observers/journal/journal.test.ts
  test/testing/testing.test.ts
)
# Tests that hold the code to a time, which it cannot keep when it is instrumented; and one on a disk so
# full that the sanitizer itself is ended there.
left_out='close to its limit|gives up, and the model is stuck|goes on after an .exit: false.|whose event loop
|what had ended before stands|whose exit listener|at a second signal|leaves a hung step|counts from the arrival
|while it loads or unloads|in the middle ends it soon|full after 0 KiB'
left_out=${left_out//$'\n'/}
suites=("${all[@]}")
workers=100 cycles=100 minutes=1
if [ "${1:-}" = --sample ]; then
  suites=("${sample[@]}")
  workers=16 cycles=20 minutes=0.1
  shift
fi

# name, -fsanitize=, the runtime's library
run() {
  local name=$1 folder=$root/build-node-$1 library
  library=$(g++ -print-file-name="$3")
  echo "== The addon in Node, $name"
  mkdir -p "$folder"
  CUDA_SHUTDOWN_TOOLKIT=OFF npx cmake-js compile --out "$folder/build" --CDCUDA_SHUTDOWN_SANITIZE="$2" \
    --CDCMAKE_CXX_FLAGS_RELEASE='-O1 -DNDEBUG' \
    >"$folder/build.log" 2>&1 || { cat "$folder/build.log"; return 1; }
  rm -rf "$folder"/{lib,install,dist,test,bench,reports}
  cp -r lib install dist bench package.json tsconfig.json jest.config.js "$folder"
  mkdir -p "$folder/test" "$folder/reports"
  cp -r test/{cuda,fixtures,load,models,native-addon,observers,shutdown,steps,support,testing} "$folder/test"
  ln -sfn "$root/node_modules" "$folder/node_modules"

  local reports=$folder/reports/$name
  cat >"$folder/node" <<EOF
#!/bin/sh
# Leaks: V8 and the threads that nobody joins hold memory until the end. Models' have the ledger.
export ASAN_OPTIONS=detect_leaks=0:log_path=$reports
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1:log_path=$reports
export TSAN_OPTIONS=ignore_noninstrumented_modules=1:report_thread_leaks=0:suppressions=$root/scripts/tsan-node.supp:log_path=$reports
export LD_PRELOAD=$library
exec $(command -v node) "\$@"
EOF
  chmod +x "$folder/node"

  local code=0
  CUDA_SHUTDOWN_TEST_NODE=$folder/node node --experimental-vm-modules node_modules/jest/bin/jest.js --rootDir "$folder" --silent \
    --testNamePattern "^(?!.*($left_out))" "${suites[@]}" || code=$?
  # Whatever time they take. Of an allocator that keeps what was freed, RSS tells nothing.
  "$folder/node" "$folder/test/load/worker-cycles.mjs" --workers "$workers" --rss 100 || code=$?
  "$folder/node" "$folder/test/load/model-cycles.mjs" --cycles "$cycles" --rss 100 || code=$?
  "$folder/node" "$folder/test/load/soak.mjs" --minutes "$minutes" --rss 100 || code=$?
  if [ -n "$(ls -A "$folder/reports")" ]; then
    head -c 20000 "$folder"/reports/*
    echo "Expected no report of a sanitizer, got $(ls "$folder/reports" | wc -l), in $folder/reports" >&2
    return 1
  fi
  return "$code"
}

npm run --silent build:ts
[ $# -gt 0 ] || set -- asan tsan
for name in "$@"; do
  case $name in
    asan) run asan address,undefined libasan.so ;;
    tsan) run tsan thread libtsan.so ;;
    *) echo "Expected asan or tsan, got $name" >&2; exit 2 ;;
  esac
done
