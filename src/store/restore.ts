import type { Database } from '../adapters/postgres.ts';

/** Makes an empty database beside the others. */
export async function createDatabase(server: Database, name: string): Promise<void> {
  await server.query(`create database ${identifier(name)} template template0`);
}

/** Drops a database, whoever is still connected; one that is not there is no failure. */
export async function dropDatabase(server: Database, name: string): Promise<void> {
  await server.query(`drop database if exists ${identifier(name)} with (force)`);
}

/** A name as SQL takes it in PostgreSQL. */
function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
