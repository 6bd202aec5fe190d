/** Which statements PostgreSQL keeps prepared on each connection. */
export interface Prepared {
  /** Its name; undefined while it is not asked often enough to be worth keeping. */
  nameOf(text: string): string | undefined;
  /** Has it parsed at each use from now on. */
  giveUp(text: string): void;
}

/** As often as psycopg and JDBC wait, by default, before they prepare one. */
const often = 5;
/** Filters make ever new texts: those that are seen rarely are not remembered. */
const remembered = 500;

/** A plan that is kept does not know how few rows are wanted, and may sort a whole queue for them. */
const limitGiven = /\blimit \$\d/;

/** Names the statements that one program repeats: planning a hand-over takes PostgreSQL longer than carrying it out. */
export function prepareOften(): Prepared {
  const uses = new Map<string, number>();
  const names = new Map<string, string | undefined>();
  return {
    nameOf: (text) => {
      if (names.has(text)) return names.get(text);
      const count = (uses.get(text) ?? 0) + 1;
      if (count < often) {
        if (uses.size >= remembered) uses.clear();
        uses.set(text, count);
        return undefined;
      }
      uses.delete(text);
      if (names.size >= remembered) return undefined;
      const name = limitGiven.test(text) ? undefined : `often_${names.size + 1}`;
      names.set(text, name);
      return name;
    },
    giveUp: (text) => void names.set(text, undefined),
  };
}
