#!/usr/bin/env bash
# The C++ sources' format, the include rule, the sentences that the simulator's suites cite, and
# clang-tidy over the compilation database of build-plain (scripts/test-native.sh plain makes it).
set -euo pipefail
cd "$(dirname "$0")/.."

mapfile -t files < <(find native test/native -name '*.cc' -o -name '*.h' | grep -v '^native/simulator/include/')
clang-format-14 --dry-run -Werror "${files[@]}"

# The rooms: only the addon knows napi.h, only the core and the simulator know CUDA's header.
if grep -rlE '#include <(napi|node_api|js_native_api)' native test/native | grep -v '^native/addon/'; then
  echo 'Expected only native/addon to include napi.h' >&2
  exit 1
fi
if grep -rlE '#include <cuda' native/addon; then
  echo 'Expected native/addon to reach CUDA through native/core only' >&2
  exit 1
fi
if grep -rlE '#include "(addon|simulator)/' native/core || grep -rl '#include "core/' native/simulator; then
  echo 'Expected native/core and native/simulator to include neither each other nor the addon' >&2
  exit 1
fi

node scripts/cited-behaviours.mjs

find native/core native/simulator -name '*.cc' -print0 |
  xargs -0 -P "$(nproc)" -n 4 clang-tidy-14 -p build-plain --quiet 2>/dev/null
