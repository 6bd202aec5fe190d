import type { ConfigOf } from './environment.ts';

type RunnerVariables = Pick<
  ConfigOf<'operator'>,
  'POSTAL_RUNNER' | 'POSTAL_RESTART' | 'POSTAL_RUNNER_TIMEOUT'
>;

/** How Postal's own program is reached and started anew, as the adapter takes it. */
export function runnerAddress(config: RunnerVariables) {
  return {
    command: config.POSTAL_RUNNER,
    restart: config.POSTAL_RESTART,
    timeoutMs: config.POSTAL_RUNNER_TIMEOUT,
  };
}
