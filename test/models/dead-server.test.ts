/** A read that never returns, as from a file server that has gone: what waits for it ends all the same. */

import { beforeAll, describe, expect, test } from '@jest/globals';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Child } from '../support/child.js';
import { makeFolder, readReport } from '../support/folder.js';
import { readLedger } from '../../lib/testing/ledger.js';
import { compilePreload } from '../support/preload.js';
import { writeSafetensors } from '../support/safetensors.js';
import { runSimulated, simulatedWorld } from '../support/simulated.js';

const MIB = 2 ** 20;
const TENSORS = 24;
const DEAD_FROM = 16 * MIB;

/** Only the threads of the loader read there: the header lies in front of it. */
const NEVER_RETURNS = `
  #define _GNU_SOURCE
  #define NOWAIT 8 /* RWF_NOWAIT */
  #include <dlfcn.h>
  #include <errno.h>
  #include <fcntl.h>
  #include <stdio.h>
  #include <stdlib.h>
  #include <string.h>
  #include <sys/uio.h>
  #include <unistd.h>
  static int is_dead(int fd, off_t offset) {
    const char *server = getenv("DEAD_SERVER");
    char link[64], path[4096];
    if (server == NULL || offset < DEAD_FROM || access(server, F_OK) != 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strcmp(path, getenv("DEAD_FILE")) == 0;
  }
  typedef ssize_t reads(int, void *, size_t, off_t);
  ssize_t pread(int fd, void *into, size_t length, off_t offset) {
    while (is_dead(fd, offset)) {
      close(creat(getenv("DEAD_REACHED"), 0600));
      usleep(5000);
    }
    return ((reads *)dlsym(RTLD_NEXT, "pread"))(fd, into, length, offset);
  }
  typedef ssize_t reads_v(int, const struct iovec *, int, off_t, int);
  ssize_t preadv2(int fd, const struct iovec *iov, int n, off_t offset, int flags) {
    if ((flags & NOWAIT) && is_dead(fd, offset)) return errno = EAGAIN, -1;
    return ((reads_v *)dlsym(RTLD_NEXT, "preadv2"))(fd, iov, n, offset, flags);
  }
`;

const folder = makeFolder();
const good = join(folder, 'good.safetensors');
const bad = join(folder, 'bad.safetensors');
let library: string;

beforeAll(async () => {
  const tensors = (count: number) =>
    Array.from({ length: count }, (_, index) => {
      return { name: `t${index}`, dtype: 'U8', shape: [MIB] } as const;
    });
  await writeSafetensors(good, tensors(2));
  await writeSafetensors(bad, tensors(TENSORS));
  const defined = [`-DDEAD_FROM=${DEAD_FROM}`];
  library = compilePreload(join(folder, 'dead'), NEVER_RETURNS, defined);
});

function world(): { env: Record<string, string>; reports: string } {
  const reports = makeFolder();
  const DEAD_SERVER = join(reports, 'dead');
  writeFileSync(DEAD_SERVER, '');
  return {
    env: {
      LD_PRELOAD: library,
      DEAD_SERVER,
      DEAD_REACHED: join(reports, 'reached'),
      DEAD_FILE: bad,
    },
    reports,
  };
}

describe.each([
  ['timeoutMs', { name: 'TimeoutError', code: 'ERR_TIMEOUT' }],
  ['signal', { name: 'AbortError', code: 'ABORT_ERR' }],
])('a load with %s', (limit, error) => {
  test('settles as stuck; others go on; all is given back when the read returns', async () => {
    const args = [JSON.stringify({ life: 'settles', good, bad }), JSON.stringify({ limit })];
    const { told, ledger, ...end } = await runSimulated('models-dead-server.mjs', {
      args,
      env: world().env,
    });
    expect(end).toMatchObject({ code: 0, signal: null });
    expect(told).toMatchObject({
      failed: {
        error: {
          ...error,
          message: expect.stringMatching(
            /; it is stuck inside a CUDA call or a read of the file and was left behind$/,
          ),
        },
      },
      heldWhileStuck: (2 + TENSORS) * MIB,
      unloaded: { value: { status: 'unloaded', freedBytes: 2 * MIB } },
      again: { value: { status: 'unloaded', freedBytes: TENSORS * MIB } },
      held: 0,
    });
    expect(ledger.devices[0]).toMatchObject({
      usedBytes: 0,
      liveAllocations: 0,
      invalidFrees: 0,
      liveStreams: 0,
      liveEvents: 0,
    });
    expect(ledger.pinnedHostBytes).toBe(0);
  });
});

describe('a shutdown while a load waits for a read that never returns', () => {
  const life = async (handsSignal: boolean, comesBack: boolean) => {
    const { env, reports } = world();
    const simulated = simulatedWorld({});
    const args = [
      JSON.stringify({ life: 'shuts down', good, bad, folder: reports }),
      JSON.stringify({ handsSignal }),
    ];
    const child = new Child('models-dead-server.mjs', { env: { ...simulated.env, ...env }, args });
    await child.saw('ready');
    child.signal('SIGTERM');
    if (comesBack) rmSync(env.DEAD_SERVER ?? '');
    return {
      end: await child.end,
      report: readReport(reports),
      ledger: readLedger(simulated.ledger),
    };
  };

  test('that was handed its signal: the models are unloaded, and the report says so', async () => {
    const { end, report, ledger } = await life(true, false);
    expect(end).toMatchObject({ signal: null });
    expect(end.durationMs).toBeLessThan(20_000);
    expect(report).toMatchObject({
      reason: 'SIGTERM',
      models: [{ name: 'good', status: 'unloaded', freedBytes: 2 * MIB }],
    });
    expect(ledger.devices[0]?.invalidFrees).toBe(0);
  });

  test('that was not: it ends in time, and the report says what became of the models', async () => {
    const { end, report } = await life(false, false);
    expect(end).toMatchObject({ code: report.exitCode, signal: null });
    expect(end.durationMs).toBeLessThan(20_000);
    // A machine that gives the load's thread no time lets the unload overtake it.
    const isOvertaken = report.models[0]?.status === 'unloaded';
    expect(report).toMatchObject({
      exitCode: isOvertaken ? 0 : 1,
      models: [isOvertaken ? { name: 'good' } : { status: 'failed', remainingBytes: 2 * MIB }],
    });
  });

  test('that returns in the middle of it: all is well', async () => {
    const { end, report, ledger } = await life(true, true);
    expect(end).toMatchObject({ code: 0, signal: null });
    expect(report).toMatchObject({ outcome: 'clean', models: [{ status: 'unloaded' }] });
    expect(ledger.devices[0]).toMatchObject({ usedBytes: 0, invalidFrees: 0 });
  });
});
