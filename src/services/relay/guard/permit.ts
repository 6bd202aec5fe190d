import { withinAny } from '../../../domain/ip-address.ts';
import type { Credential, PermitAnswer } from '../session.ts';
import type { Quotas } from './quotas.ts';

type Soon<T> = T | Promise<T>;

/** Whether a credential may be used from an address. */
export function mayComeFrom({ networks = [] }: Credential, address: string): boolean {
  return networks.length === 0 || withinAny(networks)(address);
}

/** A permit as far as the bounds of the credential go, which may have changed since it logged in. */
export function permitWithin(
  quotas: Quotas,
  address: string,
  answer: Soon<PermitAnswer>,
): Soon<PermitAnswer> {
  if (answer instanceof Promise) return answer.then((known) => bounded(quotas, address, known));
  return bounded(quotas, address, answer);
}

function bounded(quotas: Quotas, address: string, answer: PermitAnswer): Soon<PermitAnswer> {
  if (answer.outcome !== 'permitted') return answer;
  if (!mayComeFrom(answer.credential, address)) return { outcome: 'revoked' };
  const refusal = quotas.take(answer.credential);
  const settle = (said: Awaited<typeof refusal>): PermitAnswer =>
    said === undefined ? answer : { outcome: 'limited', said };
  return refusal instanceof Promise ? refusal.then(settle) : settle(refusal);
}
