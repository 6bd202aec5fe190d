/** The user a child process runs as; undefined is the one who runs us. */
export type ProgramOwner = { readonly uid: number; readonly gid: number } | undefined;

/** By convention of every Linux, and without a file of its own. */
const nobody = { uid: 65_534, gid: 65_534 };

/** Who runs a program that refuses to run as root, such as PostgreSQL. */
export function unprivilegedOwner(): ProgramOwner {
  return process.getuid?.() === 0 ? nobody : undefined;
}
