/** What of a shutdown those observers need that look at more than its events. */

import type { EventSource } from '../shutdown/events.js';

export interface Watched extends EventSource {
  readonly signal: AbortSignal;
  /** Where its reports go; undefined without. */
  readonly reportFolder: string | undefined;
}
