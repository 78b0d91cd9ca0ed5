/** What a header declares, before any of it is compared with the file: JSON in, tensors out. */

import { type Dtype, DTYPES, isDtype } from './dtype.js';
import type { JsonReader } from './json.js';
import { quoted } from './refusal.js';
import type { Uint64 } from './uint64.js';

/** A tensor as declared. `start` and `end` count from the first byte of the data. */
export interface Declaration {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly Uint64[];
  readonly start: Uint64;
  readonly end: Uint64;
}

export interface Declarations {
  readonly tensors: readonly Declaration[];
  readonly metadata: ReadonlyMap<string, string>;
}

const METADATA = '__metadata__';

/** Of two tensors with one name the later counts, as in the reference implementation. */
export function readDeclarations(json: JsonReader): Declarations {
  const tensors = new Map<string, Declaration>();
  let metadata: Map<string, string> | undefined;
  for (let name = json.enterObject(); name !== undefined; name = json.nextKey()) {
    if (name !== METADATA) {
      tensors.set(name, readTensor(json, name));
    } else {
      if (metadata !== undefined) throw json.unexpected(`no second \`${METADATA}\``);
      metadata = readMetadata(json);
    }
  }
  json.end();
  return { tensors: [...tensors.values()], metadata: metadata ?? new Map() };
}

function readMetadata(json: JsonReader): Map<string, string> {
  const metadata = new Map<string, string>();
  if (json.takeNull()) return metadata;
  for (let key = json.enterObject(); key !== undefined; key = json.nextKey()) {
    metadata.set(key, json.string());
  }
  return metadata;
}

type Fields = {
  -readonly [K in Exclude<keyof Declaration, 'name'>]: Declaration[K] | undefined;
};

const FIELDS = ['dtype', 'shape', 'data_offsets'];

function readTensor(json: JsonReader, name: string): Declaration {
  const fields: Fields = { dtype: undefined, shape: undefined, start: undefined, end: undefined };
  if (json.isArrayNext()) {
    // serde, and so the reference, takes a struct also as an array of its fields.
    let index = 0;
    for (let more = json.enterArray(); more; more = json.nextElement()) {
      const field = FIELDS[index];
      if (field === undefined) throw json.unexpected(`three fields of tensor ${quoted(name)}`);
      readField(json, fields, field);
      index += 1;
    }
  } else {
    for (let key = json.enterObject(FIELDS); key !== undefined; key = json.nextKey(FIELDS)) {
      readField(json, fields, key);
    }
  }
  const { dtype, shape, start, end } = fields;
  if (dtype === undefined) throw missing(json, name, 'dtype');
  if (shape === undefined) throw missing(json, name, 'shape');
  if (start === undefined || end === undefined) throw missing(json, name, 'data_offsets');
  return { name, dtype, shape, start, end };
}

function missing(json: JsonReader, name: string, field: string): Error {
  return json.unexpected(`the \`${field}\` of tensor ${quoted(name)}`);
}

function readField(json: JsonReader, fields: Fields, field: string): void {
  switch (field) {
    case 'dtype':
      if (fields.dtype !== undefined) throw second(json, field);
      fields.dtype = readDtype(json);
      break;
    case 'shape':
      if (fields.shape !== undefined) throw second(json, field);
      fields.shape = readShape(json);
      break;
    case 'data_offsets':
      if (fields.start !== undefined) throw second(json, field);
      readOffsets(json, fields);
      break;
    default:
      json.skip();
  }
}

function second(json: JsonReader, field: string): Error {
  return json.unexpected(`no second \`${field}\` of a tensor`);
}

function readDtype(json: JsonReader): Dtype {
  const at = json.position;
  // serde takes an enum's variant also as `{"U8":null}`.
  const isObject = json.isObjectNext();
  const name = isObject ? json.enterObject() : json.string(DTYPES);
  if (isObject && !(json.takeNull() && json.nextKey() === undefined)) {
    throw json.unexpected('one dtype', at);
  }
  if (name === undefined || !isDtype(name)) throw json.unexpected('the name of a dtype', at);
  return name;
}

function readShape(json: JsonReader): readonly Uint64[] {
  const shape: Uint64[] = [];
  for (let more = json.enterArray(); more; more = json.nextElement()) shape.push(json.unsigned());
  return shape;
}

function readOffsets(json: JsonReader, fields: Fields): void {
  const at = json.position;
  if (json.enterArray()) {
    fields.start = json.unsigned();
    if (json.nextElement()) {
      fields.end = json.unsigned();
      if (!json.nextElement()) return;
    }
  }
  throw json.unexpected('two `data_offsets`', at);
}
