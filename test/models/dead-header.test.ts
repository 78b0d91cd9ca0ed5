/** A file server that never answers the read of a header: `timeoutMs` and `signal` end the load. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeAll, describe, expect, test } from '@jest/globals';

import { makeFolder } from '../support/folder.js';
import { compilePreload } from '../support/preload.js';
import { writeSafetensors } from '../support/safetensors.js';
import { runSimulated } from '../support/simulated.js';

/** Node reads a header by it. */
const NEVER_RETURNS = `
  #define _GNU_SOURCE
  #include <dlfcn.h>
  #include <fcntl.h>
  #include <stdio.h>
  #include <stdlib.h>
  #include <string.h>
  #include <unistd.h>
  static int is_dead(int fd) {
    const char *server = getenv("DEAD_SERVER");
    char link[64], path[4096];
    if (server == NULL || access(server, F_OK) != 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strcmp(path, getenv("DEAD_FILE")) == 0;
  }
  typedef ssize_t reads(int, void *, size_t, off64_t);
  ssize_t pread64(int fd, void *into, size_t length, off64_t offset) {
    while (is_dead(fd)) {
      close(creat(getenv("DEAD_REACHED"), 0600));
      usleep(5000);
    }
    return ((reads *)dlsym(RTLD_NEXT, "pread64"))(fd, into, length, offset);
  }
`;

const folder = makeFolder();
const good = join(folder, 'good.safetensors');
const bad = join(folder, 'bad.safetensors');
let library: string;

beforeAll(async () => {
  for (const path of [good, bad]) {
    await writeSafetensors(path, [{ name: 't', dtype: 'U8', shape: [1024] }]);
  }
  library = compilePreload(join(folder, 'dead'), NEVER_RETURNS);
});

describe.each([
  ['timeoutMs', { name: 'TimeoutError', code: 'ERR_TIMEOUT' }],
  ['signal', { name: 'AbortError', code: 'ABORT_ERR' }],
])('a load with %s', (limit, error) => {
  test('settles; others go on; the file is closed when the read returns', async () => {
    const DEAD_SERVER = join(makeFolder(), 'dead');
    writeFileSync(DEAD_SERVER, '');
    const { told, ...end } = await runSimulated('models-dead-header.mjs', {
      args: [limit, good, bad],
      env: {
        LD_PRELOAD: library,
        DEAD_SERVER,
        DEAD_REACHED: `${DEAD_SERVER}-reached`,
        DEAD_FILE: bad,
      },
    });
    expect(end).toMatchObject({ code: 0, signal: null });
    expect(told).toMatchObject({
      failed: {
        error: {
          ...error,
          message: expect.stringMatching(/ while its header was read; the read was left behind$/),
        },
      },
      openWhileStuck: true,
      unloaded: { value: { status: 'unloaded', freedBytes: 1024 } },
      again: { value: { status: 'unloaded', freedBytes: 1024 } },
    });
  });
});
