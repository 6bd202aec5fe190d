/** Where text is written at once. */
interface Destination {
  write(text: string): unknown;
}

/**
 * A sink that writes the lines of one turn of the event loop in one call: a line a message costs as much as the message's own
 * write. What is said in the last turn is written before the process ends, unless it is killed in the middle of it.
 */
export function gatherLines(
  to: Destination,
  process: Pick<NodeJS.Process, 'once'>,
): { write(line: string): void } {
  let text = '';
  const flush = () => {
    if (text === '') return;
    to.write(text);
    text = '';
  };
  process.once('exit', flush);
  return {
    write: (line) => {
      if (text === '') setImmediate(flush);
      text += line;
    },
  };
}
