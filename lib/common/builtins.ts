/** Modules of Node's that cost some milliseconds to load: loaded when used, not when imported. */

type Http = typeof import('node:http');
type Http2 = typeof import('node:http2');
type Net = typeof import('node:net');
type Os = typeof import('node:os');
type Stream = typeof import('node:stream');
type V8 = typeof import('node:v8');
type Vm = typeof import('node:vm');
type WorkerThreads = typeof import('node:worker_threads');

export function http(): Http {
  return process.getBuiltinModule('node:http');
}

export function http2(): Http2 {
  return process.getBuiltinModule('node:http2');
}

export function net(): Net {
  return process.getBuiltinModule('node:net');
}

export function os(): Os {
  return process.getBuiltinModule('node:os');
}

export function stream(): Stream {
  return process.getBuiltinModule('node:stream');
}

export function v8(): V8 {
  return process.getBuiltinModule('node:v8');
}

export function vm(): Vm {
  return process.getBuiltinModule('node:vm');
}

export function workerThreadsModule(): WorkerThreads {
  return process.getBuiltinModule('node:worker_threads');
}
