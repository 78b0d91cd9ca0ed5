/** A device's thread that the system refuses to start: what needs it fails, and nothing is lost. */

import { expect, test } from '@jest/globals';
import { join } from 'node:path';

import { makeFolder } from '../support/folder.js';
import { compilePreload } from '../support/preload.js';
import { writeSafetensors } from '../support/safetensors.js';
import { runSimulated } from '../support/simulated.js';

const REFUSES_THREADS = `
  #define _GNU_SOURCE
  #include <dlfcn.h>
  #include <errno.h>
  #include <pthread.h>
  #include <stdlib.h>
  #include <unistd.h>
  typedef int start(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
  int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg) {
    const char *refusal = getenv("REFUSE_THREADS");
    if (refusal != NULL && access(refusal, F_OK) == 0) return EAGAIN;
    return ((start *)dlsym(RTLD_NEXT, "pthread_create"))(thread, attr, run, arg);
  }
`;

test('what needs a thread that cannot be had fails, and later work succeeds', async () => {
  const folder = makeFolder();
  const path = join(folder, 'model.safetensors');
  await writeSafetensors(
    path,
    Array.from({ length: 3 }, (_, index) => ({ name: `t${index}`, dtype: 'U8', shape: [1000] })),
  );
  const { told, ledger, ...end } = await runSimulated('models-without-threads.mjs', {
    args: [JSON.stringify({ path })],
    faults: 'cudaFreeAsync#1=hang:1000',
    env: {
      LD_PRELOAD: compilePreload(join(folder, 'threads'), REFUSES_THREADS),
      REFUSE_THREADS: join(folder, 'no threads'),
    },
  });
  expect(end).toMatchObject({ code: 0, signal: null });
  const refused = {
    code: 'EAGAIN',
    message: expect.stringMatching(
      /^Expected a thread for cuda-device-0 to start: Resource temporarily unavailable/,
    ),
  };
  expect(told).toMatchObject({
    load: { error: refused },
    clean: { error: refused },
    stuck: { error: { name: 'TimeoutError', freedBytes: 0, remainingBytes: 3000 } },
    emptied: { error: refused },
    refused: { error: { name: 'UnloadError', remainingBytes: expect.any(Number), cause: refused } },
    state: 'interrupted',
    unloaded: { value: { status: 'unloaded' } },
    held: 0,
  });
  expect(ledger.devices[0]).toMatchObject({ usedBytes: 0, invalidFrees: 0, liveStreams: 0 });
});
