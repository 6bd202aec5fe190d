import { OperatorError } from '../domain/failure.ts';
import { exec, type Finished } from './exec.ts';

/** Where a Compose project is, and how it is driven. */
export interface ComposeProject {
  /** The operator's folder: compose.yaml, compose.override.yaml and .env in it are read as Compose itself does. */
  readonly folder: string;
  readonly name: string;
  readonly profiles: readonly string[];
  readonly timeoutMs: number;
}

/** One run of `docker compose`. */
export interface ComposeRun {
  readonly argv: readonly string[];
  /** Written to its standard input; the place for what is secret. */
  readonly input?: string | Uint8Array;
  readonly stop?: AbortSignal;
  /** Profiles besides those of the project. */
  readonly profiles?: readonly string[];
}

/** Docker Compose for one project. There is no shell in between, and argv never holds a secret. */
export interface Compose {
  /** Runs a command to its end, whatever its exit code. Throws `unreachable` where Compose is missing. */
  run(run: ComposeRun): Promise<Finished>;
  /** The same for what must succeed; throws `unreachable` with the last lines it printed. */
  must(run: ComposeRun): Promise<Finished>;
  /** Its version, such as 2.26.1. Throws `unreachable` where the plug-in is missing. */
  version(): Promise<string>;
}

/** Docker Compose as the plug-in of the docker program on PATH. */
export function openCompose({ folder, name, profiles, timeoutMs }: ComposeProject): Compose {
  const run = ({ argv, input, stop, profiles: more = [] }: ComposeRun) =>
    exec(
      ['docker', 'compose', ...[...profiles, ...more].flatMap((profile) => ['--profile', profile]), ...argv],
      {
        timeoutMs,
        folder,
        ...(input !== undefined && { input }),
        ...(stop && { stop }),
        environment: { COMPOSE_PROJECT_NAME: name, COMPOSE_ANSI: 'never', BUILDKIT_PROGRESS: 'plain' },
      },
    ).then(refuseMissing);
  return {
    run,
    must: async (wanted) => {
      const finished = await run(wanted);
      if (finished.exit !== 0) throw composeFailure(wanted.argv, finished);
      return finished;
    },
    version: async () => {
      const { stdout } = await run({ argv: ['version', '--short'] });
      return stdout.trim().replace(/^v/, '');
    },
  };
}

/** A docker program without the plug-in takes `compose` for an unknown command, or its flags for its own. */
function refuseMissing(finished: Finished): Finished {
  if (
    finished.exit === 0 ||
    !/is not a docker command|unknown (shorthand )?flag|unknown command/.test(finished.stderr)
  )
    return finished;
  throw new OperatorError('unreachable', 'Docker Compose is not installed', {
    hint: 'Install the plug-in: https://docs.docker.com/compose/install/linux/ (Debian: apt install docker-compose-plugin)',
  });
}

/** The last lines of a failed run, as one failure. */
function composeFailure(argv: readonly string[], { stderr, stdout, exit }: Finished): OperatorError {
  const said = (stderr.trim() || stdout.trim()).split('\n').slice(-5).join('\n');
  return new OperatorError(
    'unreachable',
    `docker compose ${argv[0] ?? ''} ended with ${exit ?? 'a signal'}`,
    {
      hint: 'See what it says above; mailctl status shows the services, mailctl logs SERVICE what they print',
      cause: new Error(said),
    },
  );
}
