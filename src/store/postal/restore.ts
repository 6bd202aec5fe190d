import type { MariadbSession } from '../../adapters/mariadb.ts';
import { quoted } from './quoted.ts';

/** Makes an empty database; fails where there is one of the name. */
export async function createPostalDatabase(session: MariadbSession, name: string): Promise<void> {
  await session.command(`create database ${quoted(name)} character set utf8mb4`);
}

/** Drops a database that a restore or proof made; one that is not there is no failure. */
export async function dropPostalDatabase(session: MariadbSession, name: string): Promise<void> {
  await session.command(`drop database if exists ${quoted(name)}`);
}
