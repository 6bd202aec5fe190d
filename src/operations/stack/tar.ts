/** One entry of an archive: a file, or a folder where there is no content. */
export interface TarEntry {
  readonly path: string;
  readonly content?: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

const block = 512;

/** An archive in the ustar format (POSIX.1-1988), the same bytes for the same entries. Throws for a path longer than 100 octets. */
export function packTar(entries: readonly TarEntry[]): Buffer {
  return Buffer.concat([...entries.flatMap(packEntry), Buffer.alloc(2 * block)]);
}

function packEntry(entry: TarEntry): readonly Buffer[] {
  const content = Buffer.from(entry.content ?? '');
  const rest = (block - (content.length % block)) % block;
  return [header(entry, content.length), content, Buffer.alloc(rest)];
}

function header({ path, content, mode, uid, gid }: TarEntry, length: number): Buffer {
  if (Buffer.byteLength(path) > 100) throw new TypeError(`the path is too long for the archive: ${path}`);
  const bytes = Buffer.alloc(block);
  bytes.write(path, 0);
  bytes.write(octal(mode, 8), 100);
  bytes.write(octal(uid, 8), 108);
  bytes.write(octal(gid, 8), 116);
  bytes.write(octal(length, 12), 124);
  bytes.write(octal(0, 12), 136);
  bytes.write(' '.repeat(8), 148);
  bytes.write(content === undefined ? '5' : '0', 156);
  bytes.write('ustar\u000000', 257);
  bytes.write(
    `${octal(
      bytes.reduce((sum, byte) => sum + byte, 0),
      7,
    )}\0 `.slice(0, 8),
    148,
  );
  return bytes;
}

function octal(number: number, width: number): string {
  return `${number.toString(8).padStart(width - 1, '0')}\0`;
}
