import type { Event, EventDetail } from './event.ts';

/** What a failure for good is about; only one of the address itself says that no further mail to it makes sense. */
export const bounceClasses = {
  address: 'the address does not exist or takes no mail for good',
  mailbox: 'the mailbox is full or the message too large for it',
  policy: 'the sender, its address or its reputation was refused',
  content: 'the message itself was refused',
  network: "the recipient's server could not be reached",
  delay: 'it is only delayed, said the report',
  other: 'the reply tells nothing of it',
} as const satisfies Record<string, string>;

export type BounceClass = keyof typeof bounceClasses;

/** A failure as it was told: an enhanced status code (RFC 3463) where there is one, and the words of the reply. */
export interface Failure {
  readonly code: string | undefined;
  readonly words: string;
}

/** Why a failure happened, with the code that says so. */
export interface Bounce {
  readonly code: string | undefined;
  readonly class: BounceClass;
}

const about: readonly (readonly [RegExp, BounceClass])[] = [
  // X.1.7 and X.1.8 are about the sender's address, although they count among those of addresses.
  [/^5\.1\.(?:7|8)$/, 'policy'],
  [/^5\.1\.(?:1|2|3|6|10)$/, 'address'],
  [/^5\.2\.1$/, 'address'],
  [/^5\.2\.(?:2|3|4)$/, 'mailbox'],
  [/^5\.7\./, 'policy'],
  [/^5\.6\./, 'content'],
  [/^5\.3\.4$/, 'mailbox'],
  [/^5\.4\./, 'network'],
  [/^4\./, 'delay'],
];

/** Words of blocks and filters. They win over a code: some servers answer 5.1.1 to a sender on a block list. */
const ofPolicy =
  /spam|\bblock(?:ed|list)|black\s?list|deny ?list|\b(?:dns|r)bl\b|spamhaus|barracuda|reputation|\bpolicy\b|\bspf\b|\bdkim\b|\bdmarc\b|rate limit|too many|authentication|reverse dns|\bptr\b|relay(?:ing)? (?:access )?denied|access denied|client host|your (?:ip|host|network)/i;

const ofAddress =
  /user (?:unknown|not found|doesn'?t exist|does not exist)|unknown (?:user|recipient|address|local)|no such (?:user|mailbox|recipient|address|person)|(?:mailbox|recipient|account|address|user)[^.;]{0,60}(?:not found|does(?:n'?t| not) exist|unavailable|disabled|inactive|is not valid|unknown)|invalid (?:recipient|mailbox|address)|not (?:a known user|listed in)|no mailbox here|host or domain name not found|domain (?:does(?:n'?t| not) exist|not found)/i;

const ofMailbox =
  /over quota|quota exceeded|mailbox (?:is )?full|insufficient (?:storage|space)|message (?:too large|size exceeds)/i;

/** Decides by the code, then by the words; in doubt for the recipient, who then goes on getting mail. */
export function classify({ code, words }: Failure): Bounce {
  const known = code ?? codeIn(words);
  const byCode = about.find(([pattern]) => pattern.test(known ?? ''))?.[1];
  if (ofPolicy.test(words)) return { code: known, class: 'policy' };
  return { code: known, class: byCode ?? byWords(words) };
}

function byWords(words: string): BounceClass {
  if (ofMailbox.test(words)) return 'mailbox';
  return isForGood(words) && ofAddress.test(words) ? 'address' : 'other';
}

/** False where a reply code says that it was for the time being. */
function isForGood(words: string): boolean {
  return !/^\s*4\d\d[ -]/.test(words);
}

/** The enhanced status code in a reply such as `550 5.1.1 user unknown`. */
export function codeIn(words: string): string | undefined {
  return /(?:^|[^\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)/.exec(words.slice(0, 2000))?.[1];
}

/** A `failed` event with what its reply says of the reason; any other event as it is. */
export function withClass(event: Event): Event {
  if (event.kind !== 'failed' || event.postalUuid === null) return event;
  const words = [event.detail['output'], event.detail['details']]
    .filter((text) => typeof text === 'string')
    .join(' ');
  return { ...event, detail: { ...event.detail, ...bounceFacts(classify({ code: undefined, words })) } };
}

/** A bounce as it stands in the detail of an event. */
export function bounceFacts({ code, class: kind }: Bounce): EventDetail {
  return { bounce_class: kind, ...(code !== undefined && { bounce_code: code }) };
}
