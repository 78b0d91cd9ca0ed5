/** Everything that the bars say, as tables: what a bar links to. */

import { formatBytes, formatDuration } from '../../common/format.js';
import type { Course, CourseDevice, CourseModel, CourseStep } from '../course/course.js';
import { html, type Html } from './html.js';
import { mark, tookText } from './timeline.js';
import { deviceName, shortened, statusOfModel, usedText } from './words.js';

export function stepTable({ steps }: Course): Html {
  return table(
    'Steps',
    ['Step', 'Phase', 'Result', 'Began at', 'Took', 'Had to end by', 'Last words'],
    steps.map(
      (step, index) =>
        html`<tr id="s${index}">
          <th scope="row">${shortened(step.name)}${step.optional && ' (optional)'}</th>
          <td>${step.phase}</td>
          <td>${mark(step.status)}</td>
          <td class="number">${at(step.startMs)}</td>
          <td class="number">${tookText(step)}</td>
          <td class="number">${at(step.deadlineMs)}</td>
          <td>${lastWords(step)}</td>
        </tr>`,
    ),
  );
}

export function modelTable({ models }: Course): Html | undefined {
  if (models.length === 0) return undefined;
  return table(
    'Models',
    ['Model', 'Step', 'Result', 'Freed', 'Still held', 'Began at', 'Took', 'Seen by the device'],
    models.map(
      (model, index) =>
        html`<tr id="m${index}">
          <th scope="row">${shortened(model.name)}</th>
          <td>${shortened(model.step ?? '')}</td>
          <td>${mark(statusOfModel(model))}</td>
          <td class="number">${formatBytes(model.freedBytes)}</td>
          <td class="number">
            ${model.remainingBytes === undefined ? 'unknown' : formatBytes(model.remainingBytes)}
          </td>
          <td class="number">${at(model.startMs)}</td>
          <td class="number">${formatDuration(model.durationMs)}</td>
          <td>${verified(model)}</td>
        </tr>`,
    ),
  );
}

export function deviceTable({ devices }: Course): Html | undefined {
  if (devices.length === 0) return undefined;
  return table(
    'Devices, before and after',
    ['Device', 'Memory', 'Used, by anyone', 'Held by models', 'Reserved', 'Held by the process'],
    devices.map(
      (device) =>
        html`<tr>
          <th scope="row">${deviceName(device)}</th>
          <td class="number">${totalOf(device)}</td>
          <td class="number">${usedText(device.before)} → ${usedText(device.after)}</td>
          <td class="number">${change(device, (memory) => memory.allocated)}</td>
          <td class="number">${change(device, (memory) => memory.reserved)}</td>
          <td class="number">${change(device, (memory) => memory.process?.bytes)}</td>
        </tr>`,
    ),
  );
}

function table(caption: string, head: readonly string[], rows: readonly Html[]): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}">
    <table>
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          ${head.map((title) => html`<th scope="col">${title}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

function at(ms: number | undefined): string {
  return ms === undefined ? '–' : formatDuration(ms);
}

function lastWords({ note, error }: CourseStep): string {
  return shortened([note, error].filter((one) => one !== undefined).join('; '), 240);
}

function verified({ verified: seen }: CourseModel): string {
  if (seen === undefined) return '–';
  if (seen === 'unverifiable') return 'could not be told';
  return seen ? 'yes' : 'no';
}

function totalOf({ before, after }: CourseDevice): string {
  const total = (after ?? before)?.total;
  return total === undefined ? 'unknown' : formatBytes(total);
}

type Reading = NonNullable<CourseDevice['before']>;

function change(
  { before, after }: CourseDevice,
  of: (memory: Reading) => number | undefined,
): string {
  const text = (memory: Reading | undefined): string => {
    const bytes = memory === undefined ? undefined : of(memory);
    return bytes === undefined ? 'unknown' : formatBytes(bytes);
  };
  return `${text(before)} → ${text(after)}`;
}
