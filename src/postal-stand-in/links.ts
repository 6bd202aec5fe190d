import type { MessageRow } from './messages.ts';
import { randomToken, type TokenSource } from './tokens.ts';

/** A tracked link: the message it stands in and where it leads. */
export interface Link {
  readonly row: MessageRow;
  readonly url: string;
}

/** Tracked links by their tokens of 16 letters. */
export interface LinkTable {
  add(link: Link): string;
  find(token: string): Link | undefined;
  dropOf(row: MessageRow): void;
  clear(): void;
}

export function openLinks(random: TokenSource): LinkTable {
  const links = new Map<string, Link>();
  const tokensOf = new Map<number, string[]>();
  return {
    add: (link) => {
      const token = randomToken(random, 16);
      const tokens = tokensOf.get(link.row.id) ?? [];
      tokens.push(token);
      tokensOf.set(link.row.id, tokens);
      links.set(token, link);
      return token;
    },
    find: (token) => links.get(token),
    dropOf: (row) => {
      for (const token of tokensOf.get(row.id) ?? []) links.delete(token);
      tokensOf.delete(row.id);
    },
    clear: () => {
      links.clear();
      tokensOf.clear();
    },
  };
}
