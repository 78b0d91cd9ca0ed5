// Debian's Chromium, without a network.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';

/** A browser with a profile of its own, and what ends both. */
export async function openBrowser() {
  const profile = await mkdtemp(path.join(tmpdir(), 'cuda-shutdown-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CUDA_SHUTDOWN_TEST_CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    offline: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  return {
    context,
    close: async () => {
      await context.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}
