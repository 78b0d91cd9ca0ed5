// Programs that do their work once for each line on stdin, and answer the milliseconds it took: those in
// bench/reference, in C++, and others. Needs g++, and cmake for those on the simulated device.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';

const root = path.join(import.meta.dirname, '..');
/** Kept between runs: the simulator takes a while to compile. */
const simulatorBuild = path.join(root, 'build-bench');

/** Builds bench/reference/<name>.cc into `folder`. Answers the program's path. */
export function buildProgram(name, folder, flags = []) {
  const program = path.join(folder, name);
  const source = path.join(import.meta.dirname, 'reference', `${name}.cc`);
  run('g++', ['-std=c++20', '-O2', '-o', program, source, ...flags]);
  return program;
}

export function startProgram(name, args, folder, flags = []) {
  return startAnswering(buildProgram(name, folder, flags), args);
}

/** The same for a program that is linked to the simulated runtime, as the package's addon is. */
export function startOnSimulator(name, args, folder) {
  // Compiled against its own header, so that the program needs no toolkit either.
  run('cmake', ['-S', root, '-B', simulatorBuild, '-DCUDA_SHUTDOWN_TOOLKIT=OFF']);
  run('cmake', ['--build', simulatorBuild, '--target', 'cuda_simulator', '--parallel']);
  return startProgram(name, args, folder, [
    ...['-I', path.join(root, 'native/simulator/include')],
    ...[path.join(simulatorBuild, 'libcuda_simulator.a'), '-pthread'],
  ]);
}

/** `time()` has the program do its work once. */
export async function startAnswering(program, args, env = process.env) {
  const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child, 'spawn');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async time() {
      child.stdin.write('\n');
      const { value, done } = await lines.next();
      if (done) throw new Error(`Expected ${program} to answer a time, it ended`);
      return Number(value);
    },
    end: () => child.stdin.end(),
  };
}

function run(command, args) {
  try {
    execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (error) {
    throw new Error(`Expected ${command} to build the reference: ${error.stderr ?? error}`);
  }
}
