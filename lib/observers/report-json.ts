/** The report as text: pure. The details of the steps may be anything, and must not cost the report. */

import { plain, toJson } from '../common/json.js';
import type { ShutdownReport } from '../shutdown/report.js';

export function reportJson(report: ShutdownReport): string {
  try {
    return `${toJson(report, 2)}\n`;
  } catch {
    // A `toJSON` or a getter inside the details threw.
    const steps = report.steps.map((step) =>
      'details' in step ? { ...step, details: plain(step.details) } : step,
    );
    return `${toJson({ ...report, steps, models: [] }, 2)}\n`;
  }
}
