/** The reader of one tensor's declaration. */

import type { Dtype } from './dtype.js';
import type { JsonEvents } from './events.js';
import { dtypeReader, listReader } from './fields.js';
import { ANYTHING, type Elements, type Members, type ValueReader } from './readers.js';
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

const FIELDS = ['dtype', 'shape', 'data_offsets'];

export class TensorReader implements ValueReader {
  readonly expects = 'an object';
  readonly #json: JsonEvents;
  readonly #name: string;
  readonly #done: (declaration: Declaration) => void;
  #dtype: Dtype | undefined;
  #shape: Uint64[] | undefined;
  #offsets: Uint64[] | undefined;

  constructor(json: JsonEvents, name: string, done: (declaration: Declaration) => void) {
    this.#json = json;
    this.#name = name;
    this.#done = done;
  }

  object(): Members {
    return {
      member: (key) => this.#field(key),
      end: () => {
        this.#end();
      },
    };
  }

  /** serde, and so the reference, takes a struct also as an array of its fields. */
  array(): Elements {
    const fields = FIELDS.values();
    return {
      element: () => {
        const { value: field, done } = fields.next();
        if (done === true) throw this.#json.unexpected(`three fields of ${this.#tensor()}`);
        return this.#field(field);
      },
      end: () => {
        this.#end();
      },
    };
  }

  #field(key: string): ValueReader {
    switch (key) {
      case 'dtype':
        if (this.#dtype !== undefined) throw this.#second(key);
        return dtypeReader(this.#json, (dtype) => {
          this.#dtype = dtype;
        });
      case 'shape':
        if (this.#shape !== undefined) throw this.#second(key);
        this.#shape = [];
        return listReader(this.#json, this.#shape);
      case 'data_offsets':
        if (this.#offsets !== undefined) throw this.#second(key);
        this.#offsets = [];
        return listReader(this.#json, this.#offsets, 2);
      default:
        return ANYTHING;
    }
  }

  #end(): void {
    const start = this.#offsets?.[0];
    const end = this.#offsets?.[1];
    if (this.#dtype === undefined) throw this.#missing('dtype');
    if (this.#shape === undefined) throw this.#missing('shape');
    if (start === undefined || end === undefined) throw this.#missing('data_offsets');
    this.#done({ name: this.#name, dtype: this.#dtype, shape: this.#shape, start, end });
  }

  #missing(field: string): Error {
    return this.#json.unexpected(`the \`${field}\` of ${this.#tensor()}`);
  }

  #second(field: string): Error {
    return this.#json.unexpected(`no second \`${field}\` of ${this.#tensor()}`);
  }

  #tensor(): string {
    return `tensor ${quoted(this.#name)}`;
  }
}
