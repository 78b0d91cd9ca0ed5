// Makes the prebuilt package of this platform of what was built here: prebuilds/<platform>/ and beside it
// the tarball to publish. Both addons, or nothing.
//   npm run build && npm run package:prebuilt
//   npm run package:prebuilt -- --without-cuda    for tests on machines without a CUDA toolkit: private
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { PLATFORMS } from '../install/prebuilt.mjs';

const { values } = parseArgs({
  options: {
    'without-cuda': { type: 'boolean', default: false },
    out: { type: 'string', default: 'prebuilds' },
  },
});
const root = path.dirname(import.meta.dirname);
const built = path.join(root, 'build', 'Release');
const ours = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const platform = `${process.platform}-${process.arch}`;
if (!PLATFORMS.includes(platform)) fail(`Expected one of ${PLATFORMS.join(', ')}, got ${platform}`);

const addons = ['cuda_shutdown_simulated.node'];
if (!values['without-cuda']) addons.unshift('cuda_shutdown.node');
const elves = addons.map((addon) => inspect(path.join(built, addon)));

const folder = path.resolve(root, values.out, platform);
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
for (const addon of addons) copyFileSync(path.join(built, addon), path.join(folder, addon));
copyFileSync(path.join(root, 'LICENSE'), path.join(folder, 'LICENSE'));

const manifest = {
  name: `@cuda-shutdown/${platform}`,
  version: ours.version,
  description: `The addons of cuda-shutdown, built for Linux ${process.arch} with glibc. Installed by it.`,
  license: ours.license,
  ...(ours.repository && { repository: ours.repository }),
  ...(values['without-cuda'] && { private: true }),
  os: [process.platform],
  cpu: [process.arch],
  libc: ['glibc'],
  engines: ours.engines,
  config: { glibc: newest(elves, 'glibc'), glibcxx: newest(elves, 'glibcxx') },
  preferUnplugged: true,
  publishConfig: ours.publishConfig,
  files: addons,
};
writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
writeFileSync(path.join(folder, 'README.md'), readme());

const packed = execFileSync('npm', ['pack', '--json', '--pack-destination', path.dirname(folder)], {
  cwd: folder,
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'inherit'],
});
console.log(path.join(path.dirname(folder), JSON.parse(packed)[0].filename));

/** What it was linked for: its machine must be this one, its C library glibc. */
function inspect(file) {
  if (!existsSync(file)) {
    fail(`Expected ${file} to be there: run npm run build, with a CUDA toolkit of 12.5 or later`);
  }
  const bytes = readFileSync(file);
  const machine = { 62: 'x64', 183: 'arm64' }[bytes.readUInt16LE(18)];
  if (machine !== process.arch) fail(`Expected ${file} to be for ${process.arch}, got ${machine}`);
  const text = bytes.toString('latin1');
  if (!text.includes('\0libc.so.6\0')) fail(`Expected ${file} to be linked to glibc`);
  return {
    glibc: text.match(/(?<=\0GLIBC_)\d+(\.\d+)+(?=\0)/gu),
    glibcxx: text.match(/(?<=\0GLIBCXX_)\d+(\.\d+)+(?=\0)/gu),
  };
}

function newest(elves, library) {
  const byNumber = new Intl.Collator('en', { numeric: true });
  const versions = elves.flatMap((elf) => elf[library] ?? []);
  return `>=${versions.sort(byNumber.compare).at(-1)}`;
}

function readme() {
  const { name, config } = manifest;
  const nvidia = values['without-cuda']
    ? ''
    : `\n\`cuda_shutdown.node\` contains NVIDIA's static CUDA runtime (libcudart_static), which NVIDIA's CUDA
Toolkit End User License Agreement lets applications distribute:
https://docs.nvidia.com/cuda/eula/\n`;
  return `# ${name}

The addons of [cuda-shutdown](https://www.npmjs.com/package/cuda-shutdown) ${ours.version}, which installs this
package by itself. They need glibc ${config.glibc} and libstdc++ with GLIBCXX ${config.glibcxx}.
${nvidia}
MIT licensed.
`;
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
