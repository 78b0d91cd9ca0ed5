// The manifests, by the schemas of Kubernetes' API and of the Prometheus operator, and their times.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { Service } from 'kubernetes-models/v1/Service';
import { parseAllDocuments } from 'yaml';
import { MARGIN_MS, root, text } from './support.mjs';

const MODELS = {
  Deployment: { model: Deployment, from: 'kubernetes-models/apps/v1' },
  Service: { model: Service, from: 'kubernetes-models/v1' },
  ServiceMonitor: {
    model: ServiceMonitor,
    from: '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1',
  },
};

const manifests = ['inference.yaml', 'servicemonitor.yaml'].flatMap((name) =>
  parseAllDocuments(text('kubernetes', name)).map((document) => {
    assert.deepEqual(document.errors, []);
    return document.toJS();
  }),
);
const [deployment, service, monitor] = manifests;
const pod = deployment.spec.template;
const [container] = pod.spec.containers;
const variable = (name) => container.env.find((each) => each.name === name)?.value;

for (const manifest of manifests) {
  test(`the schema of ${manifest.kind}`, () => {
    new MODELS[manifest.kind].model(structuredClone(manifest)).validate();
  });
}

test('the schema refuses what is wrong', () => {
  const wrong = structuredClone(deployment);
  wrong.spec.template.spec.terminationGracePeriodSeconds = '40s';
  assert.throws(() => new Deployment(wrong).validate(), /terminationGracePeriodSeconds/u);
});

describe('fields that the API does not know', () => {
  // The API prunes them and says nothing; the types of the same models know.
  const folder = path.join(import.meta.dirname, 'node_modules', '.manifests');
  after(() => rmSync(folder, { recursive: true, force: true }));

  function typecheck(name, list) {
    mkdirSync(folder, { recursive: true });
    const lines = list.map(({ kind, ...rest }, at) => {
      const type = `import('${MODELS[kind].from}').I${kind}`;
      return `export const m${at}: ${type} = ${JSON.stringify({ kind, ...rest })};`;
    });
    const file = path.join(folder, name);
    writeFileSync(file, lines.join('\n'));
    const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const how = [
      '--module',
      'nodenext',
      '--strict',
      '--skipLibCheck',
      '--noEmit',
      '--types',
      'node',
    ];
    const args = [tsc, '--ignoreConfig', ...how, file];
    return spawnSync(process.execPath, args, { encoding: 'utf8', cwd: folder });
  }

  test('there are none', () => {
    const { status, stdout } = typecheck('good.mts', manifests);
    assert.equal(status, 0, stdout);
  });

  test('one would be found', () => {
    const wrong = structuredClone(deployment);
    wrong.spec.template.spec.terminationGracePeriod = 40;
    assert.match(typecheck('bad.mts', [wrong]).stdout, /terminationGracePeriod"?' does not exist/u);
  });
});

test('the kubelet kills later than the watchdog ends it', () => {
  const graceMs = pod.spec.terminationGracePeriodSeconds * 1000;
  const preStopMs = container.lifecycle.preStop.sleep.seconds * 1000;
  // SHUTDOWN_DELAY_MS counts in SHUTDOWN_TIMEOUT_MS.
  const timeoutMs = Number(variable('SHUTDOWN_TIMEOUT_MS'));
  assert.ok(Number(variable('SHUTDOWN_DELAY_MS') ?? 0) < timeoutMs);
  assert.ok(graceMs >= preStopMs + timeoutMs + MARGIN_MS);
});

test('the probes ask the ports and paths that there are', () => {
  const { startupProbe, readinessProbe, livenessProbe, ports } = container;
  assert.equal(readinessProbe.httpGet.path, '/readyz');
  assert.equal(livenessProbe.httpGet.path, '/livez');
  for (const { httpGet } of [startupProbe, readinessProbe, livenessProbe]) {
    assert.ok(ports.some(({ name }) => name === httpGet.port));
  }
  assert.equal(variable('HOST'), '0.0.0.0'); // The kubelet asks from outside.
  const ofPod = new Set(ports.map(({ name }) => name));
  for (const { targetPort } of service.spec.ports) assert.ok(ofPod.has(targetPort));
  const ofService = new Set(service.spec.ports.map(({ name }) => name));
  for (const { port } of monitor.spec.endpoints) assert.ok(ofService.has(port));
});

test('the selectors select', () => {
  const { labels } = pod.metadata;
  assert.deepEqual(deployment.spec.selector.matchLabels, labels);
  assert.deepEqual(service.spec.selector, labels);
  assert.deepEqual(monitor.spec.selector.matchLabels, service.metadata.labels);
});

test('a device is asked for', () => {
  assert.equal(container.resources.limits['nvidia.com/gpu'], 1);
});
