#!/usr/bin/env bash
# Runs the suites, Jest and all, on other versions of Node, installed from test/node-versions:
# test-node-versions.sh [--whole] [n20] [n22] [n24] [n26]; without a name, all of them. Without --whole,
# a sample: how processes end, and the packed package.
set -euo pipefail
cd "$(dirname "$0")/.."

sample=(test/shutdown/{lives,crashes,endings,natural-end,watchdog}.test.ts
  test/native-addon/endings.test.ts test/packaging/package.test.ts)
if [ "${1:-}" = --whole ]; then
  sample=()
  shift
fi

npm ci --prefix test/node-versions --no-audit --no-fund
npm run --silent build:ts
[ $# -gt 0 ] || set -- n20 n22 n24 n26
for version in "$@"; do
  bin="$PWD/test/node-versions/node_modules/$version/bin"
  echo "== $("$bin/node" --version)"
  # On the PATH too: for what a test starts by the name of `node`.
  PATH="$bin:$PATH" node --experimental-vm-modules node_modules/jest/bin/jest.js "${sample[@]}"
done
