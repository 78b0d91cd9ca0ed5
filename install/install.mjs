// npm's install step: takes the prebuilt addons where they fit and load, else compiles them.
// CUDA_SHUTDOWN_BUILD_FROM_SOURCE=1 compiles in any case.

import { spawnSync } from 'node:child_process';
import { accessSync, constants, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { describeLibc, findPrebuilt } from './prebuilt.mjs';

const root = path.dirname(import.meta.dirname);

const { name, version, unfit } = usable(findPrebuilt(root));
if (unfit === undefined) {
  console.log(`cuda-shutdown: takes the addons of ${name}@${version}, compiles nothing`);
} else {
  console.log(`cuda-shutdown: compiles, because ${name}@${version} is not taken: ${unfit}`);
  const failure = compile();
  if (failure !== undefined) {
    console.error(whatToDo(failure));
    process.exitCode = 1;
  }
}

function usable(prebuilt) {
  if (prebuilt.unfit !== undefined) return prebuilt;
  if ((process.env.CUDA_SHUTDOWN_BUILD_FROM_SOURCE ?? '') !== '') {
    return { ...prebuilt, unfit: 'CUDA_SHUTDOWN_BUILD_FROM_SOURCE is set' };
  }
  const addons = readdirSync(prebuilt.folder).filter((file) => file.endsWith('.node'));
  if (addons.length === 0) return { ...prebuilt, unfit: `nothing is in ${prebuilt.folder}` };
  // In a process of its own: an addon for another machine may end the one that loads it.
  const load = 'for (const file of process.argv.slice(1)) require(file)';
  const files = addons.map((addon) => path.join(prebuilt.folder, addon));
  const { status, signal, stderr } = spawnSync(process.execPath, ['-e', load, ...files], {
    encoding: 'utf8',
  });
  if (status === 0) return prebuilt;
  const said = stderr.split('\n').find((line) => line.startsWith('Error: '));
  return { ...prebuilt, unfit: said ?? `loading it ended with ${signal ?? status}` };
}

/** What it failed with, or undefined. */
function compile() {
  let cmakeJs;
  try {
    cmakeJs = createRequire(import.meta.url).resolve('cmake-js/bin/cmake-js');
  } catch (error) {
    return error.message.split('\n')[0];
  }
  const { status, signal, error } = spawnSync(process.execPath, [cmakeJs, 'compile'], {
    cwd: root,
    stdio: 'inherit',
  });
  return status === 0 ? undefined : (error?.message ?? `it ended with ${signal ?? status}`);
}

function whatToDo(failure) {
  const missing = Object.entries({
    CMake: ['cmake'],
    'a C++ compiler': [process.env.CXX || 'c++', 'g++', 'clang++'],
    'make or ninja': ['make', 'ninja'],
  }).filter(([, commands]) => !commands.some(isOnPath));
  return [
    '',
    `Could not install the addon of cuda-shutdown ${version} on ${process.platform}-${process.arch} (${describeLibc(root)})`,
    `- The prebuilt ${name}@${version}: ${unfit}`,
    `- cmake-js compile: ${failure}`,
    ...missing.map(([what]) => `- Not found on the PATH: ${what}`),
    'Possible solutions:',
    '- Install what it is compiled with (CMake 3.22, a C++20 compiler, make or ninja), and try again:',
    '    apt-get install cmake g++ make        # Debian, Ubuntu',
    '    dnf install cmake gcc-c++ make        # Fedora, RHEL',
    '- Install it where these are, with the same platform, Node and C library, and copy node_modules,',
    '  as a build stage of a container image does',
    '- For real devices install a CUDA toolkit of 12.5 or later as well; without one everything installs,',
    '  and cuda.isAvailable() is false',
  ].join('\n');
}

function isOnPath(command) {
  return (process.env.PATH ?? '').split(path.delimiter).some((folder) => {
    try {
      accessSync(path.resolve(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
