/** What was opened, to be closed last first, each even when another fails to close. */
export interface Opened extends AsyncDisposable {
  use<T extends AsyncDisposable>(resource: T): T;
  /** Calls `close` at its turn. */
  defer(close: () => Promise<void> | void): void;
}

/** An empty list of opened things. Disposing throws the first failure after all were tried. */
export function openedThings(): Opened {
  const closers: (() => Promise<void> | void)[] = [];
  return {
    use: (resource) => {
      closers.push(async () => resource[Symbol.asyncDispose]());
      return resource;
    },
    defer: (close) => void closers.push(close),
    [Symbol.asyncDispose]: () => closeAll(closers),
  };
}

async function closeAll(closers: (() => Promise<void> | void)[]): Promise<void> {
  const failures: unknown[] = [];
  for (let close = closers.pop(); close; close = closers.pop()) {
    await Promise.resolve()
      .then(close)
      .catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw failures[0];
}
