/** What the process held of each device over time, on the axis of the steps. */

import { formatBytes, formatDuration } from '../../common/format.js';
import type { Course, CourseDevice, HeldAt } from '../course/course.js';
import { largest } from '../course/values.js';
import type { Axis } from './axis.js';
import { html, type Html } from './html.js';
import { deviceName } from './words.js';

/** Of the drawing, whose width is stretched to that of the axis. */
const HEIGHT = 100;

export function memory({ devices, durationMs }: Course, axis: Axis): Html {
  const shown = devices.map((device) => ({ device, points: pointsOf(device, durationMs) }));
  const tops = shown.map(({ points }) => topOf(points));
  const most = largest(tops, 1);
  return html`<ol class="rows devices">
    ${shown.map(
      ({ device, points }) =>
        html`<li class="device">
          <div class="row">
            <div class="name">
              <b>cuda:${device.index}</b>
              <small>${device.name}</small>
            </div>
            ${curve(device, points, most, axis)}
            <div class="result"><span>${changeText(points)}</span></div>
          </div>
        </li>`,
    )}
  </ol>`;
}

/** Without a journal only the readings before and after are known, and not when they were taken. */
function pointsOf({ held, before, after }: CourseDevice, durationMs: number): readonly HeldAt[] {
  if (held.length > 0) return held;
  return [
    ...(before === undefined ? [] : [{ atMs: 0, bytes: before.allocated }]),
    ...(after === undefined ? [] : [{ atMs: durationMs, bytes: after.allocated }]),
  ];
}

function topOf(points: readonly HeldAt[]): number {
  const bytes = points.map((point) => point.bytes);
  return largest(bytes, 0);
}

function curve(device: CourseDevice, points: readonly HeldAt[], most: number, axis: Axis): Html {
  const [first] = points;
  const last = points.at(-1);
  if (first === undefined || last === undefined) {
    return html`<div class="lane plot"><span class="level">not measured</span></div>`;
  }
  const x = ({ atMs }: HeldAt): number => axis.at(atMs) * 10;
  const y = ({ bytes }: HeldAt): number => Math.round((HEIGHT - (bytes / most) * 92) * 10) / 10;
  const xy = (point: HeldAt): string => `${x(point)} ${y(point)}`;
  const shown = thinned(points);
  const parts = shown.slice(1).map((point, index) => ({ from: shown[index] ?? point, to: point }));
  const path = (isKnown: boolean): string =>
    parts
      .filter((part) => isKnown === known(part, device))
      .map(({ from, to }) => `M${xy(from)}L${xy(to)}`)
      .join('');
  const area = `M${shown.map(xy).join('L')}L${x(last)} ${HEIGHT}L${x(first)} ${HEIGHT}Z`;
  const top = topOf(points);
  return html`<div
    class="lane plot"
    role="img"
    aria-label="Memory held of ${deviceName(device)}: ${changeText(points)}, at most ${formatBytes(
      top,
    )}"
  >
    <svg viewBox="0 0 1000 ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">
      <path class="area" d="${area}" />
      <path class="curve" d="${path(true)}" />
      <path class="curve guessed" d="${path(false)}" />
    </svg>
  </div>`;
}

/** A journal has a line every 100 ms while a step tells of its progress: in a longer gap nothing was told. */
const GAP_MS = 250;

interface Part {
  readonly from: HeldAt;
  readonly to: HeldAt;
}

function known({ from, to }: Part, { held }: CourseDevice): boolean {
  return held.length > 0 && (from.bytes === to.bytes || to.atMs - from.atMs <= GAP_MS);
}

/** Whether some of it is drawn dashed. */
export function guesses({ devices }: Course): boolean {
  return devices.some((device) => {
    const points = thinned(pointsOf(device, GAP_MS * 2));
    return points.some((to, index) => {
      const from = points[index - 1];
      return from !== undefined && !known({ from, to }, device);
    });
  });
}

function changeText(points: readonly HeldAt[]): string {
  const [first] = points;
  const last = points.at(-1);
  if (first === undefined || last === undefined) return 'unknown';
  return `${formatBytes(first.bytes)} → ${formatBytes(last.bytes)}`;
}

/** On a line where nothing happens only its ends are needed. */
function thinned(points: readonly HeldAt[]): readonly HeldAt[] {
  return points.filter((point, index) => {
    const [before, behind] = [points[index - 1], points[index + 1]];
    return before?.bytes !== point.bytes || behind?.bytes !== point.bytes;
  });
}

/** The same as a table: one row for every moment at which something had changed. */
const ROWS = 200;

export function memoryTable({ devices }: Course): Html | undefined {
  const known = devices.filter(({ held }) => held.length > 0);
  if (known.length === 0) return undefined;
  const moments = new Map<number, Map<number, number>>();
  for (const { index, held } of known) {
    for (const { atMs, bytes } of thinned(held)) {
      moments.set(atMs, (moments.get(atMs) ?? new Map<number, number>()).set(index, bytes));
    }
  }
  const rows = [...moments].sort(([a], [b]) => a - b);
  return html`<details>
    <summary>Memory held over time, as numbers</summary>
    <div class="scroll" tabindex="0" role="region" aria-label="Memory held over time, as numbers">
      <table>
        <thead>
          <tr>
            <th scope="col">Time</th>
            ${known.map((device) => html`<th scope="col">${deviceName(device)}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.slice(0, ROWS).map(
            ([atMs, bytes]) =>
              html`<tr>
                <th scope="row">${formatDuration(atMs)}</th>
                ${known.map(({ index }) => {
                  const held = bytes.get(index);
                  return html`<td>${held === undefined ? '' : formatBytes(held)}</td>`;
                })}
              </tr>`,
          )}
        </tbody>
      </table>
      ${rows.length > ROWS && html`<p>and ${rows.length - ROWS} more moments in the journal</p>`}
    </div>
  </details>`;
}
