// The environment in which glibc gives back what is freed, so that a process's RSS tells what it holds. By
// itself it keeps an arena for each thread, and what ended threads had in theirs.
export const GIVES_BACK = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '32768',
  MALLOC_TRIM_THRESHOLD_: '131072',
};
