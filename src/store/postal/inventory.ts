/**
 * Says in two rows: how many tables Postal's main database has and how many databases of mail servers are there; and how many migrations
 * the main one has written down, 0 where it has no place for them. Both names are words of the configuration.
 */
export function databaseInventory(main: string, messagePrefix: string): string {
  const name = quoted(main);
  return `select (select count(*) from information_schema.tables where table_schema = '${name}'),
    (select count(*) from information_schema.schemata where schema_name like '${quoted(messagePrefix)}-server-%');
    set @ask = (select if(count(*) = 0, 'select 0', 'select count(*) from \`${name}\`.schema_migrations')
      from information_schema.tables where table_schema = '${name}' and table_name = 'schema_migrations');
    execute immediate @ask`;
}

function quoted(text: string): string {
  return text.replaceAll(/['\\]/g, String.raw`\$&`);
}
