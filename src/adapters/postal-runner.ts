import { OperatorError } from '../domain/failure.ts';
import { exec, type Finished } from './exec.ts';

/** Postal's own program, asked by a script: it has no other door for administration. */
export interface PostalRunner {
  /** Runs a Ruby script inside Postal and returns what it answered. Throws `unreachable` when Postal did not run it. */
  ask(script: string): Promise<unknown>;
}

export interface RunnerOptions {
  /** Reads the script on its standard input, so that no secret of it stands in an argv or an environment. */
  readonly command: string;
  readonly folder: string;
  readonly timeoutMs: number;
}

const mark = 'mailctl-postal:';

/** A `rails runner -` at the end of this command. */
export function postalRunner({ command, folder, timeoutMs }: RunnerOptions): PostalRunner {
  const [program = '', ...rest] = command.split(/\s+/).filter((word) => word !== '');
  return {
    ask: async (script) => {
      const finished = await exec([program, ...rest], { timeoutMs, folder, input: script });
      const line = finished.stdout.split('\n').find((text) => text.startsWith(mark));
      const answer = line === undefined ? undefined : parse(line.slice(mark.length));
      if (answer === undefined) throw silent(command, finished);
      return answer;
    },
  };
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
