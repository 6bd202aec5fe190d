import { OperatorError } from '../domain/failure.ts';
import { exec, type Finished } from './exec.ts';

/** Postal's own program, asked by a script: it has no other door for administration. */
export interface PostalRunner {
  /** Runs a Ruby script inside Postal and returns what it answered. Throws `unreachable` when Postal did not run it. */
  ask(script: string): Promise<unknown>;
  /**
   * Starts Postal's processes anew; where the command names `{process}`, one after another, and none after one that did not come again.
   * Throws `unreachable` when that did not succeed.
   */
  restart(): Promise<void>;
}

export interface RunnerOptions {
  /** Reads the script on its standard input, so that no secret of it stands in an argv or an environment. */
  readonly command: string;
  readonly restart: string;
  readonly folder: string;
  readonly timeoutMs: number;
}

const mark = 'mailctl-postal:';

/** A `rails runner -` at the end of this command. */
export function postalRunner({ command, restart, folder, timeoutMs }: RunnerOptions): PostalRunner {
  return {
    ask: async (script) => {
      const finished = await exec(wordsOf(command), { timeoutMs, folder, input: script });
      const line = finished.stdout.split('\n').find((text) => text.startsWith(mark));
      const answer = line === undefined ? undefined : parse(line.slice(mark.length));
      if (answer === undefined) throw silent(command, finished);
      return answer;
    },
    restart: async () => {
      for (const one of eachOf(restart)) {
        const { exit, stderr } = await exec(wordsOf(one), { timeoutMs, folder });
        if (exit !== 0) throw notRestarted(one, lastWords(stderr));
      }
    },
  };
}

/** Who hands mail to Postal waits for its web server alone, so that one goes first. */
const processes = ['web', 'smtp', 'worker'];

function eachOf(command: string): readonly string[] {
  const place = '{process}';
  return command.includes(place) ? processes.map((name) => command.replaceAll(place, name)) : [command];
}

function wordsOf(command: string): readonly [string, ...string[]] {
  const [program = '', ...rest] = command.split(/\s+/).filter((word) => word !== '');
  return [program, ...rest];
}

function notRestarted(command: string, said: string): OperatorError {
  return new OperatorError(
    'unreachable',
    `Postal was not started anew (${command})${said === '' ? '' : `: ${said}`}`,
    {
      hint: 'Start it, and run this again; how: mailctl config explain POSTAL_RESTART',
      field: 'POSTAL_RESTART',
    },
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function silent(command: string, { exit, stderr }: Finished): OperatorError {
  const said = lastWords(stderr);
  return new OperatorError(
    'unreachable',
    `Postal gave no answer (${command} ended with ${exit ?? 'a signal'}${said === '' ? '' : `: ${said}`})`,
    {
      hint: 'See that Postal runs: mailctl status; how it is reached: mailctl config explain POSTAL_RUNNER',
      field: 'POSTAL_RUNNER',
    },
  );
}

const mostWords = 300;

/** The last thing it complained of, without what may be a part of the script. */
function lastWords(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim());
  const told = lines.findLast(
    (line) => line !== '' && !line.includes('REQUEST') && !line.startsWith('Loading config'),
  );
  return (told ?? '').replaceAll(/[A-Za-z0-9+/=_-]{40,}/g, '…').slice(0, mostWords);
}
