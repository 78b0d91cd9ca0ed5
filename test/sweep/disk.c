// The n-th call of one function that concerns a folder fails, once: FAIL_CALL, FAIL_NTH, FAIL_ERRNO,
// FAIL_FOLDER. Then FAIL_ACTED, a file, is made.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_int calls;

static int fails(const char *call, const char *path) {
  const char *folder = getenv("FAIL_FOLDER");
  if (folder == NULL || strcmp(getenv("FAIL_CALL"), call) != 0) return 0;
  if (strncmp(path, folder, strlen(folder)) != 0) return 0;
  if (atomic_fetch_add(&calls, 1) + 1 != atoi(getenv("FAIL_NTH"))) return 0;
  FILE *acted = fopen(getenv("FAIL_ACTED"), "w");
  if (acted != NULL) fclose(acted);
  errno = atoi(getenv("FAIL_ERRNO"));
  return 1;
}

static int fails_on(const char *call, int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return fails(call, path);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define OPEN(name)                               \
  int name(const char *path, int flags, ...) {   \
    va_list rest;                                \
    va_start(rest, flags);                       \
    mode_t mode = va_arg(rest, mode_t);          \
    va_end(rest);                                \
    if (fails("open", path)) return -1;          \
    return REAL(name)(path, flags, mode);        \
  }
OPEN(open)
OPEN(open64)

ssize_t write(int fd, const void *from, size_t length) {
  return fails_on("write", fd) ? -1 : REAL(write)(fd, from, length);
}
ssize_t pwrite64(int fd, const void *from, size_t length, off64_t offset) {
  return fails_on("write", fd) ? -1 : REAL(pwrite64)(fd, from, length, offset);
}
int fsync(int fd) { return fails_on("fsync", fd) ? -1 : REAL(fsync)(fd); }
int fdatasync(int fd) { return fails_on("fsync", fd) ? -1 : REAL(fdatasync)(fd); }
int rename(const char *from, const char *to) {
  return fails("rename", from) ? -1 : REAL(rename)(from, to);
}
