/** Runs work that has the same key one after another, in the order it was asked for. */
export type InTurn = <T>(key: string, work: () => Promise<T>) => Promise<T>;

/** Opens queues that exist only while somebody stands in them. */
export function openTurns(): InTurn {
  const last = new Map<string, Promise<unknown>>();
  return (key, work) => {
    const mine = (last.get(key) ?? Promise.resolve()).then(work);
    const over: Promise<void> = mine.then(ignore, ignore).finally(() => {
      if (last.get(key) === over) last.delete(key);
    });
    last.set(key, over);
    return mine;
  };
}

function ignore(): void {
  return undefined;
}
