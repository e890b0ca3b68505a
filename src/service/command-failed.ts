import { ReeveError } from '../errors.ts';
import type { RunExit } from '../runs/record.ts';
import type { ServiceRun } from './service-run.ts';

/** A command that was run to its end, and did not exit 0. Code `COMMAND_FAILED`. */
export class CommandFailed extends ReeveError {
  /** The run as it ended. */
  readonly run: ServiceRun;
  /** What it ended with. */
  readonly exit: RunExit;
  /** Its combined output, the newest bytes of it. */
  readonly output: string;

  /** @param said what it complained of, for the message; '' for nothing */
  constructor(run: ServiceRun, output: string, said = '') {
    super('COMMAND_FAILED', `${run.command} ${howItEnded(run)}${said === '' ? '' : `: ${said}`}`, { where: run.id });
    this.run = run;
    this.exit = { exitCode: run.exitCode, signal: run.signal };
    this.output = output;
  }
}

function howItEnded({ exitCode, signal, endReason, error }: ServiceRun): string {
  if (endReason !== 'exit' && endReason !== 'signal') return `was stopped: ${error ?? endReason ?? 'unfinished'}`;
  return signal === null ? `exited with ${exitCode ?? 'an unknown code'}` : `was ended by ${signal}`;
}
