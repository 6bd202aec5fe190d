/** Counts, in one row: tables of Postal's main database, and databases of mail servers. Both names are words of the configuration. */
export function databaseInventory(main: string, messagePrefix: string): string {
  return `select (select count(*) from information_schema.tables where table_schema = '${quoted(main)}'),
    (select count(*) from information_schema.schemata where schema_name like '${quoted(messagePrefix)}-server-%')`;
}

function quoted(text: string): string {
  return text.replaceAll(/['\\]/g, String.raw`\$&`);
}
