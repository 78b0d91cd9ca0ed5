// Dependencies run downwards only (docs/architecture.md); CI checks it with `depcruise lib`.
const room = (name) => `^lib/${name}/`;
const forbid = (name, from, to) => ({
  name,
  severity: 'error',
  from: { path: from },
  to: { path: to },
});

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, dependencyTypesNot: ['type-only'] },
    },
    forbid('sequence-knows-no-observer-or-step', room('shutdown'), [
      '^lib/(observers|steps|models|cuda)/',
    ]),
    forbid('observers-see-events-only', room('observers'), ['^lib/(steps|models|cuda|native)/']),
    forbid('models-know-no-shutdown', room('models'), [
      '^lib/(shutdown|steps|observers|runtimes)/',
    ]),
    forbid('adapters-import-no-runtime', room('runtimes'), [
      '^lib/(?!runtimes/|models/|cuda/|common/)',
      'node_modules/',
    ]),
    forbid('cuda-is-below-models', room('cuda'), ['^lib/(models|shutdown|steps|observers)/']),
    forbid('native-is-the-ground', room('native'), ['^lib/(?!native/|common/)']),
    forbid('testing-is-a-room-of-its-own', '^lib/(?!testing/)', ['^lib/testing/']),
    forbid('testing-sees-the-runtime-only', room('testing'), ['^lib/(?!testing/|native/|common/)']),
    forbid('nobody-needs-the-command-line', '^lib/(?!cli/)', ['^lib/cli/']),
    forbid('the-command-line-looks-on', room('cli'), ['^lib/(steps|models|testing|runtimes)/']),
    forbid('common-knows-nothing', room('common'), ['^lib/(?!common/)']),
    {
      name: 'addon-through-native-only',
      severity: 'error',
      from: { pathNot: '^lib/native/' },
      to: { path: 'bindings' },
    },
    {
      name: 'one-file-for-jsonc-parser',
      severity: 'error',
      from: { pathNot: '^lib/models/safetensors/events\\.ts$' },
      to: { path: 'node_modules/jsonc-parser/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'one-file-for-ora',
      severity: 'error',
      from: { pathNot: '^lib/observers/console/spinner\\.ts$' },
      to: { path: 'node_modules/ora/' },
    },
    {
      name: 'one-file-for-winston',
      severity: 'error',
      from: { pathNot: '^lib/observers/log/winston\\.ts$' },
      to: { path: 'node_modules/winston/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'one-file-for-prom-client',
      severity: 'error',
      from: { pathNot: '^lib/observers/metrics/metrics\\.ts$' },
      to: { path: 'node_modules/prom-client/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'only-the-command-line-parses-arguments',
      severity: 'error',
      from: { pathNot: '^lib/cli/(main|program)\\.ts$' },
      to: { path: 'node_modules/commander/' },
    },
    {
      name: 'one-file-for-opentelemetry',
      severity: 'error',
      from: { pathNot: '^lib/observers/open-telemetry\\.ts$' },
      to: { path: 'node_modules/@opentelemetry/', dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
  },
};
