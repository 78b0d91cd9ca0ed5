/** How the tables of hostile headers are made: one tensor of two bytes, with one thing wrong. */

import type { SafetensorsReason } from '../../../../lib/common/errors.js';

export interface HostileHeader {
  readonly title: string;
  /** What the reference implementation (0.8.0) answers: every header was given to it. */
  readonly reason: SafetensorsReason;
  readonly header: string | Uint8Array;
  /** How many bytes of data follow. */
  readonly dataLength: number;
}

export const GOOD = '"dtype":"U8","shape":[2],"data_offsets":[0,2]';

export const withShape = (shape: string): string =>
  `{"a":{"dtype":"U8","shape":${shape},"data_offsets":[0,2]}}`;

export const withOffsets = (offsets: string): string =>
  `{"a":{"dtype":"U8","shape":[2],"data_offsets":${offsets}}}`;

export const withDtype = (dtype: string): string =>
  `{"a":{"dtype":${dtype},"shape":[2],"data_offsets":[0,2]}}`;

/** With a field that the format does not know. */
export const withNote = (value: string): string => `{"a":{${GOOD},"note":${value}}}`;

export const withName = (literal: string): string => `{${literal}:{${GOOD}}}`;

/** Several entries in one line. */
export const words = (text: string): string[] => text.split(' ');

export function table(
  reason: SafetensorsReason,
  dataLength: number,
  group: string,
  headers: readonly (string | Uint8Array)[],
): HostileHeader[] {
  return headers.map((header, index) => {
    const shown = typeof header === 'string' ? JSON.stringify(header).slice(0, 70) : 'bytes';
    return { title: `${group} ${index + 1}: ${shown}`, reason, header, dataLength };
  });
}
