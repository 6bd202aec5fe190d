import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { speak } from './spoken.ts';

const folder = join(import.meta.dirname, 'transcripts');

/** `C:` is a line the client sends, `R:` octets with escapes and no line end of their own, `#` a remark. */
async function replay(transcript: string): Promise<string> {
  const protection = transcript.includes('# private listener') ? 'private' : 'starttls';
  const spoken = speak({ protection });
  let text = '';
  const listen = async () => {
    await spoken.settled();
    text += spoken.heard().replaceAll(/(.*)\r\n/g, 'S: $1\n');
  };
  for (const line of transcript.split('\n')) {
    if (line.startsWith('S: ')) continue;
    if (text === '' && !line.startsWith('#')) await listen();
    text += line === '' ? '' : `${line}\n`;
    if (line.startsWith('C: ')) spoken.conversation.hear(Buffer.from(`${line.slice(3)}\r\n`));
    if (line.startsWith('R: ')) spoken.conversation.hear(Buffer.from(unescape(line.slice(3)), 'latin1'));
    await listen();
  }
  expect(spoken.failures).toEqual([]);
  return text;
}

function unescape(text: string): string {
  return text.replaceAll(/\\(r|n|0|x..)/g, (_, escape: string) => {
    const known: Record<string, string> = { r: '\r', n: '\n', 0: '\0' };
    return known[escape] ?? String.fromCharCode(Number.parseInt(escape.slice(1), 16));
  });
}

it.each(readdirSync(folder))('speaks as in %s', async (name) => {
  const transcript = readFileSync(join(folder, name), 'utf8');

  expect(await replay(transcript)).toBe(transcript);
});
