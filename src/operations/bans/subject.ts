import { isIP } from 'node:net';

import { OperatorError } from '../../domain/failure.ts';
import { isCidr } from '../../domain/ip-address.ts';
import { loginNetworkOf, originSubjects, type Subject, usernameSubject } from '../../domain/lockout.ts';

/** What an operator means by an address, a network (/24, /64), a user name, or a subject as `bans list` shows it. */
export type Target =
  | { readonly kind: 'address'; readonly address: string }
  | { readonly kind: 'network'; readonly network: string }
  | { readonly kind: 'username'; readonly username: string }
  | { readonly kind: 'subject'; readonly subject: string };

/** Reads what was typed. Throws `usage` for a network that is not counted as one. */
export function readTarget(word: string): Target {
  if (/^(network|address|username|pair):./.test(word)) return { kind: 'subject', subject: word };
  if (isIP(word) !== 0) return { kind: 'address', address: word };
  if (!isCidr(word)) return { kind: 'username', username: word };
  const [base = '', bits] = word.split('/');
  const network = loginNetworkOf(base);
  if (network.endsWith(`/${bits}`)) return { kind: 'network', network };
  throw new OperatorError('usage', `${word} is no network that can be locked`, {
    hint: 'Name a single address, the /24 of an IPv4 address or the /64 of an IPv6 one',
    field: 'ADDRESS|USERNAME',
  });
}

/** What a ban of the target is kept as. A pair is locked by failures only. */
export function bannedSubject(target: Target): Subject {
  switch (target.kind) {
    case 'address':
      return originSubjects(target.address)[1];
    case 'network':
      return `network:${target.network}`;
    case 'username':
      return usernameSubject(target.username);
    case 'subject':
      throw new OperatorError('usage', `${target.subject} cannot be banned by that name`, {
        hint: 'Name an address, a network or a user name',
        field: 'ADDRESS|USERNAME',
      });
  }
}

/** Whether a lock or a count concerns the target. */
export function concerns(target: Target, subject: string): boolean {
  switch (target.kind) {
    case 'address':
      return (
        originSubjects(target.address).some((own) => own === subject) ||
        subject.startsWith(`pair:${loginNetworkOf(target.address)} `)
      );
    case 'network':
      return subject === `network:${target.network}` || subject.startsWith(`pair:${target.network} `);
    case 'username':
      return (
        subject === usernameSubject(target.username) ||
        (subject.startsWith('pair:') && subject.slice(subject.indexOf(' ') + 1) === target.username)
      );
    case 'subject':
      return subject === target.subject;
  }
}
