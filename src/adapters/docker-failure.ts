import { OperatorError } from '../domain/failure.ts';

/** Waits for the engine; throws `unreachable` or `access-denied` with a remedy where it does not answer us. */
export async function asked<T>(work: Promise<T>): Promise<T> {
  return work.catch((cause: unknown) => {
    throw engineFailure(cause);
  });
}

const away = new Set(['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EHOSTUNREACH', 'ETIMEDOUT']);

function engineFailure(cause: unknown): unknown {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (code === 'EACCES' || code === 'EPERM') {
    return new OperatorError('access-denied', 'this user may not speak to the Docker engine', {
      hint: 'Run as root, or join the group docker: sudo usermod -aG docker $USER, then log in again',
      cause,
    });
  }
  if (!away.has(code)) return cause;
  return new OperatorError('unreachable', 'no Docker engine answers', {
    hint: 'Start it (sudo systemctl start docker), install it (https://docs.docker.com/engine/install/), or set DOCKER_HOST',
    cause,
  });
}
