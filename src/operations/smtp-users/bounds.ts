import { isDomainName } from '../../domain/address.ts';
import { OperatorError } from '../../domain/failure.ts';
import { isCidr } from '../../domain/ip-address.ts';
import { formatMessageRate, parseMessageRate } from '../../domain/message-rate.ts';
import type { SmtpBounds } from '../../store/smtp-credentials.ts';

/** What an operator writes of a user's bounds. `any` and `none` lift one; what is absent stays as it is. */
export interface WrittenBounds {
  readonly domain?: readonly string[];
  readonly network?: readonly string[];
  readonly rate?: string;
  readonly dailyLimit?: string;
}

/** A user whom nothing bounds. */
export const unbounded: SmtpBounds = {
  senderDomains: [],
  networks: [],
  rate: undefined,
  dailyLimit: undefined,
};

/** The bounds after what is written was changed in them. Throws `usage` naming the flag that is wrong. */
export function changedBounds(before: SmtpBounds, written: WrittenBounds): SmtpBounds {
  const { domain, network, rate, dailyLimit } = written;
  return {
    senderDomains: domain ? wordsOf('--domain', domain, readDomain) : before.senderDomains,
    networks: network ? wordsOf('--network', network, readNetwork) : before.networks,
    rate: rate === undefined ? before.rate : unlessNone(rate, readRate),
    dailyLimit: dailyLimit === undefined ? before.dailyLimit : unlessNone(dailyLimit, readLimit),
  };
}

/** The bounds in words, a line each. */
export function boundsInWords({ senderDomains, networks, rate, dailyLimit }: SmtpBounds): readonly string[] {
  return [
    `mail from ${senderDomains.length === 0 ? 'any domain' : senderDomains.join(', ')}`,
    `logs in from ${networks.length === 0 ? 'anywhere' : networks.join(', ')}`,
    `sends ${rate ? formatMessageRate(rate) : 'at any rate'}, ${dailyLimit === undefined ? 'as much as it likes' : `${dailyLimit} messages`} a day`,
  ];
}

function wordsOf(
  flag: string,
  words: readonly string[],
  read: (word: string) => string | undefined,
): readonly string[] {
  if (words.length === 1 && words[0] === 'any') return [];
  return [...new Set(words.map((word) => read(word) ?? refuse(flag, word)))];
}

function readDomain(word: string): string | undefined {
  return isDomainName(word) ? word.toLowerCase() : undefined;
}

function readNetwork(word: string): string | undefined {
  return isCidr(word) ? word.toLowerCase() : undefined;
}

function unlessNone<T>(text: string, read: (text: string) => T): T | undefined {
  return text === 'none' ? undefined : read(text);
}

function readRate(text: string) {
  return parseMessageRate(text) ?? refuse('--rate', text);
}

function readLimit(text: string): number {
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : refuse('--daily-limit', text);
}

const forms: Readonly<Record<string, string>> = {
  '--domain': 'a domain such as example.com, or any',
  '--network': 'a network such as 192.0.2.0/24, or any',
  '--rate': 'messages per period such as 100/1h, or none',
  '--daily-limit': 'a number of messages such as 5000, or none',
};

function refuse(flag: string, word: string): never {
  throw new OperatorError('usage', `${flag} cannot be "${word}"`, {
    hint: `Write ${forms[flag]}`,
    field: flag,
  });
}
