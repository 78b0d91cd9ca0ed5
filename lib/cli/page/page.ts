/** The picture of a shutdown: one HTML page that needs nothing else, neither a network nor scripts. */

import { formatBytes, formatDuration } from '../../common/format.js';
import type { Course, CourseStatus } from '../course/course.js';
import { axisOf, type Axis } from './axis.js';
import { Errors } from './errors.js';
import { html, Html } from './html.js';
import { guesses, memory, memoryTable } from './memory.js';
import { STYLE } from './style.js';
import { deviceTable, modelTable, stepTable } from './tables.js';
import { timeline } from './timeline.js';
import { dateText, headline, MARKS, shortened } from './words.js';

export interface PageSource {
  /** The file that the course was read from, as a name. */
  readonly file: string;
  /** Of this package. */
  readonly version: string;
}

/** Whatever a report holds: the page runs no script and loads nothing. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

export function page(course: Course, source: PageSource): string {
  const axis = axisOf(course);
  const errors = new Errors(course.errors);
  const steps = timeline(course, axis, errors);
  const others = errors.others();
  const document = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${POLICY}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${shortened(`${headline(course)} (${course.reason})`, 120)}</title>
        <style>
          ${new Html(STYLE)}
        </style>
      </head>
      <body>
        <a class="skip" href="#numbers">Skip the picture</a>
        <main>
          ${head(course)} ${cards(course)}
          <section class="picture" aria-labelledby="picture">
            <h2 id="picture">What happened when</h2>
            <div class="chart">
              ${steps}
              ${
                course.devices.length > 0 &&
                html`<h3>Device memory held by the process</h3>
                  ${memory(course, axis)}`
              }
            </div>
            ${legend(course, axis)}
          </section>
          ${
            others !== undefined &&
            html`<section aria-labelledby="problems">
              <h2 id="problems">Problems outside the steps</h2>
              ${others}
            </section>`
          }
          <section aria-labelledby="numbers">
            <h2 id="numbers">In numbers</h2>
            ${stepTable(course)} ${modelTable(course)} ${deviceTable(course)} ${memoryTable(course)}
          </section>
        </main>
        <footer>
          Made by cuda-shutdown ${source.version} from ${source.file}. Times count from the arrival
          of the signal.
        </footer>
      </body>
    </html> `;
  return compact(document.markup);
}

function head(course: Course): Html {
  const { outcome, exitCode, reason, startedAt, pid, backend } = course;
  const facts = [
    shortened(reason, 120),
    exitCode === undefined ? undefined : `exit code ${exitCode}`,
    dateText(startedAt),
    pid === undefined ? undefined : `process ${pid}`,
  ];
  return html`<header class="${tone(course)}">
    <span class="seal" aria-hidden="true">${SEALS[tone(course)]}</span>
    <div>
      <h1>${headline(course)}</h1>
      <p class="facts">
        <b>${outcome}</b>${facts
          .filter((fact) => fact !== undefined)
          .map((fact) => html`<span>${fact}</span>`)}
        ${backend === 'simulated' && html`<span class="chip">simulated GPU</span>`}
      </p>
      ${
        course.watchdog !== undefined &&
        html`<p>
          The watchdog ended it: ${shortened(course.watchdog.what, 200)}. Under way:
          ${shortened(course.watchdog.pending, 200) || 'nothing'}.
        </p>`
      }
    </div>
  </header>`;
}

type Tone = 'good' | 'fair' | 'bad';

const SEALS: Readonly<Record<Tone, string>> = { good: '✓', fair: '!', bad: '✗' };

function tone({ outcome, exitCode, watchdog }: Course): Tone {
  if (watchdog !== undefined) return 'bad';
  if (outcome === 'clean') return 'good';
  return outcome === 'degraded' && exitCode === 0 ? 'fair' : 'bad';
}

function cards(course: Course): Html {
  const { durationMs, timeoutMs, steps, models, devices } = course;
  const ok = steps.filter(({ status }) => status === 'ok').length;
  const unloaded = models.filter(({ status }) => status !== 'failed').length;
  const freed = models.reduce((sum, { freedBytes }) => sum + freedBytes, 0);
  return html`<dl class="cards">
    <div>
      <dt>Time</dt>
      <dd>
        ${formatDuration(durationMs)}
        <small>${timeoutMs !== undefined && `of ${formatDuration(timeoutMs)}`}</small>
      </dd>
      ${timeoutMs !== undefined && gauge(durationMs / Math.max(1, timeoutMs))}
    </div>
    <div>
      <dt>Steps</dt>
      <dd>${ok} of ${steps.length} <small>ended well</small></dd>
      ${gauge(steps.length === 0 ? 1 : ok / steps.length)}
    </div>
    ${
      models.length > 0 &&
      html`<div>
        <dt>Models</dt>
        <dd>
          ${unloaded} of ${models.length} <small>unloaded, ${formatBytes(freed)} freed</small>
        </dd>
        ${gauge(unloaded / models.length)}
      </div>`
    }
    ${
      devices.length > 0 &&
      html`<div>
        <dt>Device memory</dt>
        <dd>
          ${usedOf(devices, 'before')} → ${usedOf(devices, 'after')}
          <small>in use${devices.length > 1 && ` on ${devices.length} devices`}, by anyone</small>
        </dd>
      </div>`
    }
  </dl>`;
}

function usedOf(devices: Course['devices'], when: 'before' | 'after'): string {
  const readings = devices.map((device) => device[when]);
  const used = readings.map((memory) => (memory === undefined ? NaN : memory.total - memory.free));
  const sum = used.reduce((total, bytes) => total + bytes, 0);
  return Number.isNaN(sum) ? 'unknown' : formatBytes(sum);
}

/** A picture of the figure above it: nothing new for those who do not see it. */
function gauge(share: number): Html {
  const percent = Math.round(Math.min(1, Math.max(0, share)) * 1000) / 10;
  return html`<i class="gauge" aria-hidden="true"><i style="width:${percent}%"></i></i>`;
}

function legend(course: Course, axis: Axis): Html {
  const { steps, timeoutMs, devices, delayMs = 0 } = course;
  const used = (Object.keys(MARKS) as CourseStatus[]).filter((status) =>
    steps.some((step) => step.status === status && step.startMs !== undefined),
  );
  const away =
    timeoutMs !== undefined && !axis.hasDeadline
      ? `The deadline, ${formatDuration(timeoutMs)}, lies beyond the picture.`
      : '';
  return html`<div class="legend">
    <ul aria-label="Legend">
      <li><i class="key wait"></i> waiting for its turn</li>
      ${delayMs > 0 && html`<li><i class="key bar delay"></i> still at work</li>`}
      ${used.map((status) => html`<li><i class="key bar ${status}"></i> ${MARKS[status].word}</li>`)}
      ${axis.hasDeadline && html`<li><i class="key kept"></i> past the step’s deadline</li>`}
      ${devices.length > 0 && html`<li><i class="key held"></i> memory held</li>`}
      ${guesses(course) && html`<li><i class="key held guessed"></i> not told in between</li>`}
    </ul>
    ${away !== '' && html`<p>${away}</p>`}
  </div>`;
}

/** The indentation of the templates is for those who read these files. */
function compact(markup: string): string {
  return markup
    .split(/(<pre[\s\S]*?<\/pre>)/u)
    .map((part, index) => (index % 2 === 1 ? part : part.replaceAll(/\s*\n\s*/gu, '\n')))
    .join('')
    .trim()
    .concat('\n');
}
