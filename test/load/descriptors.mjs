// The descriptors of a process, those of files that Node opens for a worker apart: the model's, and
// modules. A worker that is terminated while an fs.open() is under way leaves what that opens, as Node
// drops the answer of its thread pool.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const O_DIRECT = 0o40000;

/**
 * `nodes`: how many are of `file`, or modules, as Node opens them. `addons`: those of `file` that only the
 * addon opens, past the page cache, each beside a duplicate of Node's. `others`: what the rest refer to.
 */
export function openDescriptors(pid, file) {
  const found = { nodes: 0, addons: 0, others: [] };
  for (const id of readdirSync(`/proc/${pid}/fd`)) {
    try {
      const target = readlinkSync(`/proc/${pid}/fd/${id}`);
      if (target !== file && !/\.(?:js|mjs|json)$/.test(target)) {
        found.others.push(target);
        continue;
      }
      const flags = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/fdinfo/${id}`, 'utf8'));
      if ((parseInt(flags[1], 8) & O_DIRECT) === 0) found.nodes += 1;
      else found.addons += 1;
    } catch {
      // It is closed meanwhile.
    }
  }
  found.others.sort();
  return found;
}
