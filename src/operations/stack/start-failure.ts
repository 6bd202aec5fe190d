import { OperatorError } from '../../domain/failure.ts';

/** What the engine says when it cannot start a container, as a failure the operator can act on. */
export function startFailure(names: readonly string[], stderr: string): OperatorError {
  const said = stderr.trim().split('\n').slice(-4).join('\n');
  const port = /(?:bind|listen) .*:(\d+).*(?:address already in use|failed)|port is already allocated/.exec(
    stderr,
  );
  if (port)
    return new OperatorError('refused', `a port of ${names.join(', ')} is taken by another program`, {
      hint: 'See who has it: sudo ss -ltnp; or choose another one: PUBLISH_… in .env',
      cause: new Error(said),
    });
  if (/no space left on device/i.test(stderr))
    return new OperatorError('unreachable', 'the disk is full', {
      hint: 'Free some space, then: mailctl up',
      cause: new Error(said),
    });
  return new OperatorError('unreachable', `${names.join(', ')} could not be started`, {
    hint: 'See what the engine says above, then: mailctl up',
    cause: new Error(said),
  });
}
