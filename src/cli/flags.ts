import { type Command, Option } from 'commander';

/** What may stand before or after every verb. */
export interface GlobalFlags {
  readonly dir?: string;
  readonly json?: true;
  readonly yes?: true;
  /** False with `--no-input`: nothing is asked. */
  readonly input: boolean;
  readonly dryRun?: true;
  readonly quiet?: true;
  readonly verbose?: true;
  /** False with `--no-color`. */
  readonly color: boolean;
}

/** Declares the global flags on the program. */
export function declareGlobalFlags(program: Command): void {
  program
    .option('-C, --dir <dir>', 'work in this folder (default: MAILCTL_DIR, else the current folder)')
    .option('--json', 'print one JSON object on stdout')
    .option('-y, --yes', 'agree to what is asked')
    .option('--no-input', 'never ask; take defaults and flags')
    .option('--dry-run', 'show what would be done, and do nothing')
    .addOption(new Option('-q, --quiet', 'print results and errors only').conflicts('verbose'))
    .option('-v, --verbose', 'say more')
    .option('--no-color', 'print without colour (as NO_COLOR does)');
}
