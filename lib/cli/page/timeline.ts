/** The steps as bars in time, their models under them, and what went wrong beside its bar. */

import { formatDuration } from '../../common/format.js';
import type { Course, CourseModel, CourseStatus, CourseStep } from '../course/course.js';
import { type Axis, tickText } from './axis.js';
import type { Errors } from './errors.js';
import { html, type Html } from './html.js';
import { bytesOfModel, MARKS, shortened, statusOfModel } from './words.js';

/** More models than these are drawn in thinner rows. */
const ROOMY_MODELS = 12;

export function timeline(course: Course, axis: Axis, errors: Errors): Html {
  const rows = course.steps.map((step, index) => stepRow(course, { step, index }, axis, errors));
  return html`${scale(course, axis)}
    <ol class="rows">
      ${delayRow(course, axis)}${rows}
    </ol>`;
}

function stepRow(
  { models: all, durationMs }: Course,
  { step, index }: { readonly step: CourseStep; readonly index: number },
  axis: Axis,
  errors: Errors,
): Html {
  const models = all
    .map((model, at) => ({ model, at }))
    .filter(({ model }) => model.step === step.name)
    .sort((a, b) => (a.model.startMs ?? 0) - (b.model.startMs ?? 0));
  const modelRows = models.map(({ model, at }) => modelRow({ model, at }, step, axis, errors));
  const density = models.length > ROOMY_MODELS ? 'models dense' : 'models';
  return html`<li class="step ${step.status} ${step.optional && 'optional'}">
    <div class="row">
      <div class="name">
        <b>${shortened(step.name)}</b>
        ${step.optional && html`<small>optional</small>`}
        ${step.note !== undefined && html`<small>${shortened(step.note, 120)}</small>`}
      </div>
      ${lane(step, { href: `#s${index}`, label: stepLabel(step), fallbackMs: durationMs }, axis)}
      <div class="result">${mark(step.status)} <span>${tookText(step)}</span></div>
    </div>
    ${
      models.length > 0 &&
      html`<ol class="${density}">
        ${modelRows}
      </ol>`
    }
    ${errors.ofStep(step.name)}
  </li>`;
}

function modelRow(
  { model, at }: { readonly model: CourseModel; readonly at: number },
  step: CourseStep,
  axis: Axis,
  errors: Errors,
): Html {
  const status = statusOfModel(model);
  // Reports of older versions do not know when a model's time began.
  const startMs = model.startMs ?? step.startMs;
  const bar = {
    status,
    ...(startMs === undefined ? {} : { startMs, endMs: startMs + model.durationMs }),
  };
  const took = formatDuration(model.durationMs);
  const label = `Model ${shortened(model.name)}: ${MARKS[status].word}, ${bytesOfModel(model)} freed, took ${took}`;
  return html`<li class="model ${status}">
    <div class="row">
      <div class="name">${shortened(model.name)}</div>
      ${lane(bar, { href: `#m${at}`, label, fallbackMs: startMs ?? 0 }, axis)}
      <div class="result">${mark(status, true)} <span>${bytesOfModel(model)}</span></div>
    </div>
    ${errors.ofModel(step.name, model.error)}
  </li>`;
}

interface Bar {
  readonly status: CourseStatus;
  readonly startMs?: number;
  readonly endMs?: number;
  readonly deadlineMs?: number;
}

interface LaneText {
  readonly href: string;
  readonly label: string;
  /** Where the waiting of what never began ends. */
  readonly fallbackMs: number;
}

function lane(bar: Bar, { href, label, fallbackMs }: LaneText, axis: Axis): Html {
  const { status, startMs, endMs, deadlineMs } = bar;
  const waited = axis.at(startMs ?? fallbackMs);
  const limit = deadlineMs === undefined ? undefined : axis.at(deadlineMs);
  return html`<a class="lane" href="${href}" aria-label="${label}"
    ><i class="wait" style="width:${waited}%"></i>${
      startMs !== undefined && [
        html`<i
          class="bar ${status}"
          style="left:${waited}%;width:${width(startMs, endMs ?? startMs, axis)}%"
        ></i>`,
      ]
    }${
      limit !== undefined &&
      limit < 100 &&
      html`<i
        class="kept"
        style="left:${limit}%;width:${width(deadlineMs ?? 0, axis.lastMs, axis)}%"
      ></i>`
    }</a
  >`;
}

function width(startMs: number, endMs: number, { at }: Axis): number {
  return Math.round((at(endMs) - at(startMs)) * 1000) / 1000;
}

/** The service was still at work. */
function delayRow({ delayMs = 0 }: Course, axis: Axis): Html | undefined {
  if (delayMs === 0) return undefined;
  return html`<li class="step delay">
    <div class="row">
      <div class="name"><b>still at work</b><small>the delay before the first step</small></div>
      <div class="lane"><i class="bar delay" style="left:0;width:${axis.at(delayMs)}%"></i></div>
      <div class="result"><span>${formatDuration(delayMs)}</span></div>
    </div>
  </li>`;
}

/** Ticks, and the lines that go through everything beneath. */
function scale(course: Course, axis: Axis): Html {
  const moments = momentsOf(course, axis);
  const flags = merged(moments, axis);
  return html`<div class="scale" aria-hidden="true">
      ${axis.ticks.map(
        (ms) => html`<span class="tick" style="left:${axis.at(ms)}%">${tickText(ms, axis)}</span>`,
      )}
    </div>
    <ul class="flags" style="--flags:${flags.length}" aria-label="Moments">
      ${flags.map(({ kind, text, ms }, index) => {
        const side = axis.at(ms) > 50 ? 'before' : 'behind';
        return html`<li class="flag ${kind} ${side}" style="left:${axis.at(ms)}%;--flag:${index}">
          <b>${text}</b>
        </li>`;
      })}
    </ul>
    <div class="lines" aria-hidden="true">
      ${axis.ticks.map((ms) => html`<i style="left:${axis.at(ms)}%"></i>`)}${moments.map(
        ({ kind, ms }) => html`<i class="${kind}" style="left:${axis.at(ms)}%"></i>`,
      )}
    </div>`;
}

interface Moment {
  readonly kind: 'end' | 'deadline' | 'watchdog';
  readonly text: string;
  readonly ms: number;
}

function momentsOf({ durationMs, timeoutMs, watchdog }: Course, axis: Axis): readonly Moment[] {
  const time = formatDuration;
  const end = { kind: 'end', text: `end ${time(durationMs)}`, ms: durationMs } as const;
  return [
    ...(watchdog === undefined ? [end] : []),
    ...(timeoutMs === undefined || !axis.hasDeadline
      ? []
      : [{ kind: 'deadline', text: `deadline ${time(timeoutMs)}`, ms: timeoutMs } as const]),
    ...(watchdog === undefined
      ? []
      : [{ kind: 'watchdog', text: 'watchdog', ms: watchdog.atMs } as const]),
  ];
}

/** In percent: flags that are nearer to each other are one. */
const ROOM = 14;

function merged(moments: readonly Moment[], { at }: Axis): readonly Moment[] {
  const flags: Moment[] = [];
  for (const moment of moments) {
    const near = flags.findIndex(({ ms }) => Math.abs(at(ms) - at(moment.ms)) < ROOM);
    const before = flags[near];
    if (before === undefined) flags.push(moment);
    else flags[near] = { ...moment, text: `${before.text}, ${moment.text}` };
  }
  return flags;
}

/** @param short With the word for those only who do not see the symbol. */
export function mark(status: CourseStatus, short = false): Html {
  const { symbol, word } = MARKS[status];
  return html`<span class="mark ${status}"
    ><span aria-hidden="true">${symbol}</span> ${
      short ? html`<span class="hidden">${word}</span>` : word
    }</span
  >`;
}

export function tookText({ startMs, endMs }: CourseStep): string {
  return startMs === undefined || endMs === undefined ? '' : formatDuration(endMs - startMs);
}

function stepLabel(step: CourseStep): string {
  const { name, status, startMs, endMs, deadlineMs } = step;
  const parts = [`Step ${shortened(name)}: ${MARKS[status].word}`];
  if (startMs !== undefined) parts.push(`began at ${formatDuration(startMs)}`);
  if (startMs !== undefined && endMs !== undefined) parts.push(`took ${tookText(step)}`);
  if (deadlineMs !== undefined) parts.push(`had to end by ${formatDuration(deadlineMs)}`);
  return parts.join(', ');
}
