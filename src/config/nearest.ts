/** The word that differs by at most two letters; undefined when none does. */
export function nearest<W extends string>(written: string, words: readonly W[]): W | undefined {
  const ranked = words.map((word) => ({ word, distance: distance(written, word) }));
  return ranked.filter((rank) => rank.distance <= 2).toSorted((a, b) => a.distance - b.distance)[0]?.word;
}

/** Levenshtein distance. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1];
    for (const [column, other] of [...to].entries()) {
      const replaced = (row[column] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
