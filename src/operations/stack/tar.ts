/** One entry of an archive: a file, or a folder where there is no content. */
export interface TarEntry {
  readonly path: string;
  readonly content?: string | Uint8Array;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

const block = 512;
const empty = Buffer.alloc(0);

/** An archive in the ustar format (POSIX.1-1988), the same bytes for the same entries. Throws for a path that the format cannot hold: 100 octets behind a folder of at most 155. */
export function packTar(entries: readonly TarEntry[]): Buffer {
  return Buffer.concat([...entries.flatMap(packEntry), Buffer.alloc(2 * block)]);
}

function packEntry(entry: TarEntry): readonly Uint8Array[] {
  const content = typeof entry.content === 'string' ? Buffer.from(entry.content) : (entry.content ?? empty);
  const rest = (block - (content.length % block)) % block;
  return [header(entry, content.length), content, Buffer.alloc(rest)];
}

function header({ path, content, mode, uid, gid }: TarEntry, length: number): Buffer {
  const { folder, name } = inTwo(path);
  const bytes = Buffer.alloc(block);
  bytes.write(name, 0);
  bytes.write(folder, 345);
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

/** A long path is cut at a slash: the name field holds 100 octets, the prefix field 155. */
function inTwo(path: string): { readonly folder: string; readonly name: string } {
  if (Buffer.byteLength(path) <= 100) return { folder: '', name: path };
  const cuts = [...path.matchAll(/\/(?=.)/g)].map(({ index }) => index);
  const cut = cuts.find((index) => Buffer.byteLength(path.slice(index + 1)) <= 100);
  const folder = cut === undefined ? '' : path.slice(0, cut);
  if (folder === '' || Buffer.byteLength(folder) > 155)
    throw new TypeError(`the path is too long for the archive: ${path}`);
  return { folder, name: path.slice(folder.length + 1) };
}

function octal(number: number, width: number): string {
  return `${number.toString(8).padStart(width - 1, '0')}\0`;
}
