/** The records of a comma-separated text (RFC 4180): quoted fields may hold commas, quotes and line ends. Empty lines are left out. */
export function readCsv(text: string): readonly (readonly string[])[] {
  const records: string[][] = [];
  let record: string[] = [];
  for (const [, quoted, bare = '', end] of text.replace(/^\uFEFF/, '').matchAll(field)) {
    const value = quoted === undefined ? bare.trim() : quoted.replaceAll('""', '"');
    record.push(madeText.test(value) ? value.slice(1) : value);
    if (end === ',') continue;
    if (record.some((value) => value !== '')) records.push(record);
    record = [];
  }
  return records;
}

/** What a spreadsheet would take for a formula, as `writeCsv` writes it. */
const madeText = /^'+[=+\-@\t]/;

const field = /(?:"((?:[^"]|"")*)"[ \t]*|([^,"\r\n]*(?:"[^,\r\n]*)?))(,|\r\n|\r|\n|$)/g;

/** One record with its line end. A field that a spreadsheet would take for a formula is made text; `readCsv` undoes it. */
export function writeCsv(record: readonly string[]): string {
  return `${record.map(quoted).join(',')}\r\n`;
}

function quoted(value: string): string {
  const harmless = /^'*[=+\-@\t]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
