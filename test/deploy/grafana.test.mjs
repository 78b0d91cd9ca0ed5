// The dashboard: its structure, and that it asks for metrics and labels that are exposed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { createShutdown, metrics } from '../../dist/index.js';
import { text } from './support.mjs';

const dashboard = JSON.parse(text('grafana', 'dashboard.json'));
const { panels } = dashboard;

const registry = new Registry();
await metrics(createShutdown({ watchdog: false, console: false }), registry);
const exposed = new Map(
  (await registry.getMetricsAsJSON()).map(({ name }) => {
    return [name, registry.getSingleMetric(name).labelNames];
  }),
);
/** Those that Prometheus adds. */
const OF_THE_TARGET = ['job', 'instance'];

/** The metrics of an expression, and the labels that it names. */
function read(expression) {
  const names = expression.match(/cuda_shutdown_\w+/gu) ?? [];
  const matched = [...expression.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"/gu)].map(
    ([, label]) => label,
  );
  const grouped = [...expression.matchAll(/by \(([^)]*)\)/gu)].flatMap(([, list]) =>
    list.split(/, */u),
  );
  return { names, labels: [...matched, ...grouped] };
}

const expressions = [
  ...panels.flatMap(({ targets }) => targets.map(({ expr, legendFormat }) => [expr, legendFormat])),
  ...dashboard.annotations.list.map(({ expr, titleFormat }) => [expr, titleFormat]),
];

test('every metric and label is exposed', () => {
  for (const [expression, legend] of expressions) {
    const { names, labels } = read(expression);
    assert.ok(names.length > 0, expression);
    const shown = [...legend.matchAll(/\{\{(\w+)\}\}/gu)].map(([, label]) => label);
    for (const name of names) {
      assert.ok(exposed.has(name), `${name} is not exposed`);
      for (const label of [...labels, ...shown]) {
        const has = exposed.get(name).includes(label) || OF_THE_TARGET.includes(label);
        assert.ok(has, `${name} has no label ${label}`);
      }
    }
  }
});

test('every metric is on it', () => {
  const used = new Set(expressions.flatMap(([expression]) => read(expression).names));
  assert.deepEqual(
    [...exposed.keys()].filter((name) => !used.has(name)),
    [],
  );
});

test('every panel has its own id and place, and asks the chosen data source', () => {
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  const variables = dashboard.templating.list.map(({ name }) => name);
  assert.deepEqual(variables, ['datasource', 'job']);
  const taken = new Set();
  for (const { title, gridPos, datasource, targets } of panels) {
    assert.equal(datasource.uid, '${datasource}');
    assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length);
    assert.ok(gridPos.x >= 0 && gridPos.x + gridPos.w <= 24, title);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        assert.ok(!taken.has(`${x},${y}`), `${title} lies on another panel`);
        taken.add(`${x},${y}`);
      }
    }
  }
});
