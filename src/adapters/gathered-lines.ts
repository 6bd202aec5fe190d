/**
 * Writes the lines of one turn of the event loop together, at its end: a call of the system for each takes longer than to make them.
 * A process that ends, also by an error nobody caught, writes what it has before.
 */
export function gatherLines(sink: { write(lines: string): unknown }): { write(line: string): void } {
  let lines = '';
  const flush = () => {
    const text = lines;
    lines = '';
    if (text !== '') sink.write(text);
  };
  process.on('exit', flush);
  return {
    write: (line) => {
      if (lines === '') setImmediate(flush);
      lines += line;
    },
  };
}
