/** How a file is refused: the error, and names from the file shown so that they cannot harm a terminal. */

import { SafetensorsError, type SafetensorsReason } from '../../common/errors.js';

const MAX_SHOWN = 80;

/** `message` says what was expected and what came. */
export function refusal(reason: SafetensorsReason, message: string): SafetensorsError {
  return new SafetensorsError(message, reason);
}

/** Text that the file's author chose, in backticks: cut to a length, control characters escaped. */
export function quoted(text: string): string {
  const shown = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
  // DEL and the C1 controls are legal in JSON and move a terminal's cursor all the same.
  const escaped = JSON.stringify(shown)
    .slice(1, -1)
    .replaceAll('\\"', '"')
    .replace(/[\u007f-\u009f]/g, (control) => `\\u00${control.charCodeAt(0).toString(16)}`);
  return `\`${escaped}\``;
}
