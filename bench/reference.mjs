// The C++ programs in bench/reference, built when they are asked for, on the same simulated device as
// the package's: needs cmake and g++.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';

const root = path.join(import.meta.dirname, '..');
/** Kept between runs: the simulator takes a while to compile. */
const simulatorBuild = path.join(root, 'build-bench');

/**
 * Runs bench/reference/<name>.cc, built into `folder`: `time()` has it do its work once, and answers
 * the milliseconds that the program says it took.
 */
export async function startReference(name, args, folder) {
  const program = path.join(folder, name);
  // The simulator compiled against its own header, so that the program needs no toolkit either.
  run('cmake', ['-S', root, '-B', simulatorBuild, '-DCUDA_SHUTDOWN_TOOLKIT=OFF']);
  run('cmake', ['--build', simulatorBuild, '--target', 'cuda_simulator', '--parallel']);
  run('g++', [
    ...['-std=c++20', '-O2', '-I', path.join(root, 'native/simulator/include')],
    ...['-o', program, path.join(import.meta.dirname, 'reference', `${name}.cc`)],
    ...[path.join(simulatorBuild, 'libcuda_simulator.a'), '-pthread'],
  ]);
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child, 'spawn');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async time() {
      child.stdin.write('\n');
      const { value, done } = await lines.next();
      if (done) throw new Error(`Expected ${name} to answer a time, it ended`);
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
