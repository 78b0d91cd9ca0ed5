// The licences of what an install brings along, against those that ask for no more than their notice.
import { readFileSync } from 'node:fs';
import path from 'node:path';

const ALLOWED = [
  'MIT',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'Apache-2.0',
  '0BSD',
  'BlueOak-1.0.0',
];

const root = path.join(import.meta.dirname, '..');
const { packages } = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8'));
const installed = Object.entries(packages).filter(([place, { dev, optional }]) => {
  return place !== '' && !dev && !optional;
});

const counts = {};
const refused = [];
for (const [place, { version }] of installed) {
  const { license } = JSON.parse(readFileSync(path.join(root, place, 'package.json'), 'utf8'));
  counts[license] = (counts[license] ?? 0) + 1;
  // An expression of SPDX, as `(MIT OR CC0-1.0)`: one of the alternatives has to be allowed.
  const alternatives = String(license).replaceAll(/[()]/gu, '').split(' OR ');
  if (!alternatives.some((each) => ALLOWED.includes(each))) {
    refused.push(`${place.replace(/^.*node_modules\//u, '')}@${version}: ${license}`);
  }
}

console.log(
  `${installed.length} packages: ${Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ')}`,
);
if (refused.length > 0) {
  console.error(`Expected one of ${ALLOWED.join(', ')}, got\n${refused.join('\n')}`);
  process.exit(1);
}
