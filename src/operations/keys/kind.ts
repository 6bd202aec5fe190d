import type { ConfigOf, VariableName } from '../../config/environment.ts';
import type { OperatorError } from '../../domain/failure.ts';
import type { Key } from '../../domain/key.ts';
import type { Secret } from '../../domain/secret.ts';
import type { Runtime } from '../../runtime.ts';

/** Something that has a key of this kind now. */
export interface Subject {
  readonly name: string;
  /** Of the key in use. */
  readonly handle: string;
  readonly createdAt?: Date | undefined;
  readonly expiresAt?: Date | undefined;
  readonly lastUsedAt?: Date | undefined;
}

/** A key that is to come into use. */
export interface Coming {
  readonly name: string;
  readonly id: string;
  readonly handle: string;
  readonly secret: Secret;
  /** Handle of the one in use. */
  readonly old: string;
  /** When it is to be replaced at the latest. */
  readonly expiresAt: Date | undefined;
}

/** Processes of these rooms must hold the new secret under one of these variables. */
export interface Holders {
  readonly rooms: readonly ('api' | 'worker' | 'relay')[];
  readonly variables: readonly VariableName[];
  /** What they hold for it, where that is not the secret itself. */
  heldFor?(world: Runtime): Promise<Secret>;
}

/** For whom a new secret is made. */
export interface Wanting {
  readonly name: string;
  /** Handle of the one in use. */
  readonly old: string;
  /** What the operator brought, where the secret half is never ours. */
  readonly given: string | undefined;
}

/** One kind of key. Every act may be repeated: a rotation that was cut off anywhere is run again from the step it was in. */
export interface KindOfKey {
  subjects(world: Runtime): Promise<readonly Subject[]>;
  /** What the operator has yet to bring before a new one can be made. */
  lacks?(wanting: Wanting): OperatorError | undefined;
  /** Made here, or had from whoever makes it: then the same one again for the same old one. */
  newSecret(world: Runtime, order: Wanting): Promise<Secret> | Secret;
  handleOf(world: Runtime, coming: Omit<Coming, 'handle' | 'expiresAt'>): Promise<string> | string;
  /** Overlap that is never undercut, in milliseconds: before that the evidence of a use may not be there yet. */
  leastOverlapMs?(config: ConfigOf<'operator'>): number;
  /** Has the new secret accepted beside the old one. */
  issue(world: Runtime, coming: Coming): Promise<void>;
  /** Who must hold the new one before it is used. */
  readonly acceptors?: Holders;
  /** What must be true in the world before the new one is used and is not, in words; the rotation waits for it. */
  obstacle?(world: Runtime, coming: Coming): Promise<string | undefined>;
  /** True where Postal's processes take a change only when they start anew. */
  readonly restartsPostal?: true;
  /** Has the new one used; the old one is still accepted. */
  distribute(world: Runtime, coming: Coming): Promise<void>;
  /** Who must hold the new one before the old one goes. */
  readonly users?: Holders;
  /** Evidence; undefined where the old one was not used, or nobody can know. */
  lastUsed(world: Runtime, old: Key): Promise<Date | undefined>;
  /** Has the old one accepted no more. */
  retire(world: Runtime, old: Key): Promise<void>;
}
