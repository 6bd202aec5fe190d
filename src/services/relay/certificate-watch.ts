import type { Clock } from '../../adapters/clock.ts';
import type { ServedCertificate } from './certificate.ts';

/** Looks at the certificate files every `intervalMs`. Returns what ends it. */
export function keepReloading(
  certificate: ServedCertificate,
  intervalMs: number,
  clock: Pick<Clock, 'sleep'>,
): () => Promise<void> {
  const ended = new AbortController();
  const watched = watch(certificate, { intervalMs, clock, ended: ended.signal });
  return async () => {
    ended.abort();
    await watched;
  };
}

interface Watch {
  readonly intervalMs: number;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly ended: AbortSignal;
}

async function watch(certificate: ServedCertificate, { intervalMs, clock, ended }: Watch): Promise<void> {
  for (;;) {
    await clock.sleep(intervalMs, ended);
    if (ended.aborted) return;
    await certificate.reload();
  }
}
