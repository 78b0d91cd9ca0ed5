/** One course out of a report and the journal beside it: the report is right, the journal knows more. Pure. */

import type { Course, CourseDevice, CourseStep } from './course.js';

export function joinCourses(report: Course, journal: Course): Course {
  const { pid, watchdog } = journal;
  return {
    ...report,
    ...(pid === undefined ? {} : { pid }),
    // It ended the process after the report had been written.
    ...(watchdog === undefined ? {} : { watchdog }),
    ...inherited(report, journal, 'timeoutMs'),
    ...inherited(report, journal, 'delayMs'),
    durationMs: Math.max(report.durationMs, watchdog?.atMs ?? 0),
    steps: report.steps.map((step) => joinSteps(step, named(journal.steps, step.name))),
    devices: joinDevices(report.devices, journal.devices),
    journal: true,
  };
}

function inherited(report: Course, journal: Course, key: keyof Course): object {
  return report[key] === undefined && journal[key] !== undefined ? { [key]: journal[key] } : {};
}

function joinSteps(step: CourseStep, told: CourseStep | undefined): CourseStep {
  if (told === undefined) return step;
  const { phase, optional, deadlineMs, note } = told;
  return {
    ...(phase === undefined ? {} : { phase }),
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    ...(note === undefined ? {} : { note }),
    ...step,
    optional: step.optional || optional,
  };
}

function joinDevices(
  reported: readonly CourseDevice[],
  told: readonly CourseDevice[],
): readonly CourseDevice[] {
  const byIndex = new Map(told.map((device) => [device.index, device]));
  for (const device of reported) {
    byIndex.set(device.index, { ...device, held: byIndex.get(device.index)?.held ?? [] });
  }
  return [...byIndex.values()].sort((a, b) => a.index - b.index);
}

function named(steps: readonly CourseStep[], name: string): CourseStep | undefined {
  return steps.find((step) => step.name === name);
}
