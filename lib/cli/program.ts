/** The commands and their options. */

import { Command, InvalidArgumentError } from 'commander';
import { show } from '../common/expected.js';
import { packageVersion } from './package.js';
import type { DoctorOptions } from './doctor/doctor-command.js';
import type { ReportOptions } from './report/report-command.js';

/** @param ended Told the exit code of a command that ran. */
export function program(ended: (exitCode: number) => void): Command {
  const cli = new Command('cuda-shutdown')
    .description('Looks at how a GPU service ends: before, after, and in a demo.')
    .version(packageVersion(), '-v, --version')
    .helpCommand(false)
    .showHelpAfterError('(--help shows what there is)')
    .exitOverride()
    .addHelpText(
      'after',
      `
Exit codes: 0 done, 1 something failed (or the doctor found what will), 2 used wrongly.
More stands in docs/cli.md of the repository.`,
    );
  cli
    .command('doctor')
    .description('checks whether a service can end well on this machine, in this container')
    .option('--json', 'the checks as JSON')
    .option(
      '--report <dir>',
      "the service's report folder: is it writable, how did the last one end",
    )
    .option('--timeout-ms <ms>', "the service's timeoutMs", positiveNumber, 30_000)
    .option(
      '--grace-seconds <s>',
      'what the service is given to end before SIGKILL, as terminationGracePeriodSeconds; default: the variable TERMINATION_GRACE_PERIOD_SECONDS',
      positiveNumber,
    )
    .option('--unit <name>', 'the systemd unit of the service; default: the one this runs in')
    .action(async (options: DoctorOptions) => {
      const { doctor } = await import('./doctor/doctor-command.js');
      ended(await doctor(options));
    });
  cli
    .command('report')
    .description('shows what a shutdown left: in the terminal, as a page, or as a trace')
    .argument('[path]', 'a .report.json, a .journal.jsonl, or a folder: its last shutdown', '.')
    .option('--json', 'the facts as JSON')
    .option('--html [out]', 'writes a self-contained page; - is stdout')
    .option('--trace [out]', 'writes trace events for Perfetto; - is stdout')
    .action(async (path: string, options: ReportOptions) => {
      const { report } = await import('./report/report-command.js');
      ended(await report(path, options));
    });
  cli
    .command('demo')
    .description('starts a service with two models, puts load on it, and ends it in the middle')
    .option('--hang', 'one model hangs in cudaFreeAsync')
    .option('--out <dir>', 'where its log and reports go; default: a new temporary folder')
    .action(async (options: { hang?: true; out?: string }) => {
      const { demo } = await import('./demo.js');
      ended(await demo(options));
    });
  return cli;
}

function positiveNumber(value: string): number {
  const number = value.trim() === '' ? NaN : Number(value);
  if (Number.isFinite(number) && number > 0) return number;
  throw new InvalidArgumentError(`Expected a positive number, got ${show(value)}.`);
}
