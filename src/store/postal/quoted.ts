/** A name as SQL takes it in MariaDB. */
export function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}
