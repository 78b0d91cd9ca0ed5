// A GPU in software for Vulkan, and so for WebGPU: SwiftShader, which this package ships for Chromium.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';

/** Unpacks it into `folder`. Answers the environment of a process that is to find it. */
export function softwareGpu(folder) {
  const entry = fileURLToPath(import.meta.resolve('@sparticuz/chromium'));
  const root = entry.slice(0, entry.lastIndexOf(path.join('@sparticuz', 'chromium')));
  const packed = path.join(root, '@sparticuz', 'chromium', 'bin', 'swiftshader.tar.br');
  const input = brotliDecompressSync(readFileSync(packed));
  execFileSync('tar', ['-x', '-C', folder], { input });
  return {
    VK_ICD_FILENAMES: path.join(folder, 'vk_swiftshader_icd.json'),
    LD_LIBRARY_PATH: folder,
  };
}
