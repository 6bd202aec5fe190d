import { randomToken, type TokenSource } from './tokens.ts';

/** A tracked link: the message it stands in and where it leads. */
export interface Link<Row> {
  readonly row: Row;
  readonly url: string;
}

/** Tracked links by their tokens of 16 letters. */
export interface LinkTable<Row> {
  add(link: Link<Row>): string;
  find(token: string): Link<Row> | undefined;
  dropOf(row: Row): void;
  clear(): void;
}

/** An empty table of links for rows that are told apart by their identity. */
export function openLinks<Row extends object>(random: TokenSource): LinkTable<Row> {
  const links = new Map<string, Link<Row>>();
  const tokensOf = new Map<Row, string[]>();
  return {
    add: (link) => {
      const token = randomToken(random, 16);
      const tokens = tokensOf.get(link.row) ?? [];
      tokens.push(token);
      tokensOf.set(link.row, tokens);
      links.set(token, link);
      return token;
    },
    find: (token) => links.get(token),
    dropOf: (row) => {
      for (const token of tokensOf.get(row) ?? []) links.delete(token);
      tokensOf.delete(row);
    },
    clear: () => {
      links.clear();
      tokensOf.clear();
    },
  };
}
