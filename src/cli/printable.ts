import type { TextSink } from './terminal.ts';

const control = /\r\n|\p{Cc}(?:\[[\d;]*m)?/gu;
const colour = '\u001B[';

/**
 * Writes text for a person. A subject, or what a far server replied, can hold sequences that move the cursor or hide lines: a
 * terminal sees `�` in their place and nothing but tabs, line ends and colours (ECMA-48 §8.3.117); a file or pipe gets every octet.
 */
export function printTo(sink: TextSink, text: string): void {
  sink.write(sink.isTerminal ? text.replaceAll(control, visible) : text);
}

function visible(found: string): string {
  return /^[\t\n]|^\r\n/.test(found) || found.startsWith(colour) ? found : `�${found.slice(1)}`;
}
