/** The readers of what a tensor's fields hold: the name of a dtype, and lists of unsigned integers. */

import { type Dtype, isDtype } from './dtype.js';
import type { JsonEvents } from './events.js';
import { NULL, type ValueReader } from './readers.js';
import { type Uint64, uint64OfDigits } from './uint64.js';

export function dtypeReader(json: JsonEvents, take: (dtype: Dtype) => void): ValueReader {
  const expects = 'the name of a dtype';
  return {
    expects,
    literal: (value) => {
      if (typeof value !== 'string' || !isDtype(value)) return false;
      take(value);
      return true;
    },
    // serde takes an enum's variant also as `{"U8":null}`.
    object: () => {
      let variants = 0;
      return {
        member: (key) => {
          variants += 1;
          if (variants > 1 || !isDtype(key)) throw json.unexpected(expects);
          take(key);
          return NULL;
        },
        end: () => {
          if (variants === 0) throw json.unexpected(expects);
        },
      };
    },
  };
}

/** Appends to `list`; takes exactly `length` integers where that is given. */
export function listReader(json: JsonEvents, list: Uint64[], length?: number): ValueReader {
  const element: ValueReader = {
    // Without sign, fraction and exponent.
    expects: 'an unsigned integer',
    literal: (_, text) => {
      if (!/^\d+$/.test(text)) return false;
      const value = uint64OfDigits(text);
      if (value === undefined) throw json.unexpected('an integer below 2^64');
      list.push(value);
      return true;
    },
  };
  const wrongLength = (): Error => json.unexpected(`${length} integers`);
  return {
    expects: 'an array',
    array: () => ({
      element: () => {
        if (list.length === length) throw wrongLength();
        return element;
      },
      end: () => {
        if (length !== undefined && list.length !== length) throw wrongLength();
      },
    }),
  };
}
