import { describe, expect, it } from 'vitest';

import { printTo } from '../../src/cli/printable.ts';

function printed(text: string, isTerminal: boolean): string {
  let written = '';
  printTo({ isTerminal, write: (piece) => void (written += piece) }, text);
  return written;
}

describe('what a stranger wrote', () => {
  it.each([
    ['clears the screen', '\u001B[2Jgone', '�[2Jgone'],
    ['renames the window', '\u001B]0;root\u0007', '�]0;root�'],
    ['goes back in its line', 'bounced\rdelivered', 'bounced�delivered'],
    ['begins a sequence in one octet', '\u009B2J', '�2J'],
    ['looks like a colour without its escape', '\u0001[31m', '�[31m'],
  ])('is shown on a terminal where it %s', (_, text, seen) => {
    expect(printed(text, true)).toBe(seen);
  });

  it('keeps colours, tabs and line ends on a terminal', () => {
    const text = '\u001B[1mbold\u001B[22m\tcell\r\nnext\n';
    expect(printed(text, true)).toBe(text);
  });

  it('goes octet for octet into a file or pipe', () => {
    expect(printed('\u001B[2J\r', false)).toBe('\u001B[2J\r');
  });
});
