#!/usr/bin/env bash
# Runs the tests of how processes end with the children on other versions of Node, installed from
# test/node-versions: test-node-versions.sh [n20] [n22] [n24] [n26]; without a name, all of them.
set -euo pipefail
cd "$(dirname "$0")/.."

npm ci --prefix test/node-versions --no-audit --no-fund
npm run --silent build:ts
[ $# -gt 0 ] || set -- n20 n22 n24 n26
for version in "$@"; do
  node="$PWD/test/node-versions/node_modules/$version/bin/node"
  echo "== $("$node" --version)"
  CUDA_SHUTDOWN_TEST_NODE="$node" node --experimental-vm-modules node_modules/jest/bin/jest.js \
    test/shutdown/{lives,crashes,delay,endings,first-process,forced,integrity,ipc,natural-end,pairs,uninstall,watchdog}.test.ts \
    test/steps/{cluster-workers,worker-threads}.test.ts
done
