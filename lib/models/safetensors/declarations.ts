/** What a header declares, before any of it is compared with the file: JSON in, tensors out. */

import type { JsonEvents } from './events.js';
import type { Literal, ValueReader } from './readers.js';
import { type Declaration, TensorReader } from './tensor.js';
import { detached } from './text.js';

export interface Declarations {
  readonly tensors: readonly Declaration[];
  readonly metadata: ReadonlyMap<string, string>;
}

const METADATA = '__metadata__';

/** Of two tensors with one name the later counts, as in the reference implementation. */
export function readDeclarations(json: JsonEvents): Declarations {
  const tensors = new Map<string, Declaration>();
  let metadata: Map<string, string> | undefined;
  const declare = (tensor: Declaration): void => {
    tensors.set(tensor.name, tensor);
  };
  const member = (key: string): ValueReader => {
    if (key !== METADATA) return new TensorReader(json, detached(key), declare);
    if (metadata !== undefined) throw json.unexpected(`no second \`${METADATA}\``);
    metadata = new Map();
    return metadataReader(metadata);
  };
  json.read({ expects: 'an object', object: () => ({ member }) });
  return { tensors: [...tensors.values()], metadata: metadata ?? new Map() };
}

function metadataReader(metadata: Map<string, string>): ValueReader {
  const entry = (key: string): ValueReader => ({
    expects: 'a string',
    literal: (value) => {
      if (typeof value !== 'string') return false;
      metadata.set(detached(key), detached(value));
      return true;
    },
  });
  return {
    expects: 'an object',
    literal: (value: Literal) => value === null,
    object: () => ({ member: entry }),
  };
}
