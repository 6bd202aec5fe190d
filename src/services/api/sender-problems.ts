import { domainOf } from '../../domain/address.ts';
import { readHeaderSection } from '../../domain/header-section.ts';
import { type ClaimedDomains, unverifiedDomain } from '../../domain/sender-domains.ts';
import type { NewMessage } from '../../store/messages.ts';
import { ApiProblem } from './problem.ts';
import type { ApiConfig, ApiWorld } from './room.ts';
import type { Look, SenderLooks } from './sender-looks.ts';

interface SenderRoom extends Pick<ApiWorld, 'mime'> {
  readonly senderLooks: SenderLooks;
  readonly limits: Pick<ApiConfig, 'POSTAL_DOMAINS_STALE_TTL'>;
}

/**
 * What Postal would refuse later: for each message, in their order, why it cannot be taken; an empty list where all can. Where a domain is not known to be verified,
 * one new look decides for all of them; where none can be had, they are put off (503), and where the last is too old, nothing is refused.
 */
export async function senderProblems(
  room: SenderRoom,
  messages: readonly NewMessage[],
): Promise<readonly (ApiProblem | undefined)[]> {
  const last = await room.senderLooks.last();
  if (!last.seen) return [];
  const claimed = messages.map((message) => claimedBy(message, room));
  if (claimed.every((one) => foreignIn(one, last) === undefined)) return [];
  const look = await room.senderLooks.anew();
  return claimed.map((one) => {
    const domain = foreignIn(one, look);
    return domain === undefined ? undefined : problemOf(domain, look, room.limits.POSTAL_DOMAINS_STALE_TTL);
  });
}

function claimedBy({ submission }: NewMessage, { mime }: SenderRoom): ClaimedDomains {
  const fields = readHeaderSection(submission.raw);
  const domains = (name: string) =>
    fields
      .filter((field) => field.name === name)
      .flatMap(({ value }) => mime.readAddresses(value))
      .map(domainOf);
  return { authors: domains('from'), senders: domains('sender') };
}

function foreignIn(claimed: ClaimedDomains, { seen }: Look): string | undefined {
  return seen && unverifiedDomain(claimed, seen.domains);
}

/** What the name of a domain has at most (RFC 1035 §2.3.4); a longer one is told cut. */
const longestName = 253;

function problemOf(domain: string, { seen, isNew }: Look, staleMs: number): ApiProblem | undefined {
  const field = 'from';
  const told = domain.length > longestName ? `${domain.slice(0, longestName)}…` : domain;
  if (isNew) {
    const words = `From and Sender must be on a domain verified in Postal, ${told} is not`;
    return new ApiProblem('sender-unverified', words, { field });
  }
  if (!seen || seen.ageMs >= staleMs) return undefined;
  return new ApiProblem(
    'unavailable',
    `Cannot tell now whether Postal has verified ${told}, try again later`,
    { field, headers: { 'retry-after': '5' } },
  );
}
