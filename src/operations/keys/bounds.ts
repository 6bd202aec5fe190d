import { OperatorError } from '../../domain/failure.ts';
import { isCidr } from '../../domain/ip-address.ts';
import { formatRequestRate, parseRequestRate } from '../../domain/request-rate.ts';
import type { KeyBounds } from '../../store/api-keys.ts';

/** What an operator writes of a key's bounds; what is absent does not bind. */
export interface WrittenKeyBounds {
  readonly network?: readonly string[];
  readonly rate?: string;
}

/** The bounds that are meant. Throws `usage` naming the flag that is wrong. */
export function readKeyBounds({ network = [], rate }: WrittenKeyBounds): KeyBounds {
  return {
    networks: [...new Set(network.map(readNetwork))],
    rate: rate === undefined ? undefined : (parseRequestRate(rate) ?? refuse('--rate', rate)),
  };
}

/** The bounds in words; empty where nothing binds. */
export function keyBoundsInWords({ networks, rate }: KeyBounds): string {
  const from = networks.length > 0 ? [`from ${networks.join(', ')}`] : [];
  return [...from, ...(rate ? [`at ${formatRequestRate(rate)}`] : [])].join(' ');
}

function readNetwork(word: string): string {
  return isCidr(word) ? word.toLowerCase() : refuse('--network', word);
}

const forms = {
  '--network': 'a network such as 192.0.2.0/24',
  '--rate': 'requests per period such as 100/1m',
} as const;

function refuse(flag: keyof typeof forms, word: string): never {
  throw new OperatorError('usage', `${flag} cannot be "${word}"`, {
    hint: `Write ${forms[flag]}`,
    field: flag,
  });
}
