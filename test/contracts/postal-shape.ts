/** Values that differ from run to run, as words: ids, tokens, times. Everything else, and all order, stays. */
export function answerShape(text: string): string {
  return text
    .replaceAll(/"time":\d+\.\d+/g, '"time":FLOAT')
    .replaceAll(/"(timestamp|last_delivery_attempt)":\d+\.\d+/g, '"$1":FLOAT')
    .replaceAll(/"id":\d+,"token":"[A-Za-z0-9]{16}"/g, '"id":INT,"token":"TOKEN"')
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g, 'UUID');
}

/** JSON text with each value replaced by its kind, names and their order kept: floats and whole numbers told apart. */
export function kindsOf(text: string): string {
  return text.replaceAll(
    /("(?:[^"\\]|\\.)*")(\s*:)?|-?\d+(\.\d+)?(?:e[+-]?\d+)?/g,
    (match, string?: string, colon?: string, fraction?: string) => {
      if (string !== undefined) return colon === undefined ? 'STRING' : match;
      return fraction === undefined ? 'INT' : 'FLOAT';
    },
  );
}

const changing = new Set(['etag', 'x-request-id', 'x-runtime', 'content-length', 'date']);

/** Headers that are the same on every answer, in lower case; of the changing ones only that they are there. */
export function lastingHeaders(headers: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const kept = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  return Object.fromEntries(kept.map(([name, value]) => [name, changing.has(name) ? 'CHANGING' : value]));
}
