import type { Clock } from '../../adapters/clock.ts';
import type { Database } from '../../adapters/postgres.ts';
import type { Random } from '../../adapters/random.ts';
import type { EventKind } from '../../domain/event.ts';
import { newId } from '../../domain/id.ts';
import { derivedUuid } from '../../domain/reconciliation.ts';
import { findByPostalNames } from '../../store/recipients.ts';
import { ownersOf, recordTold, type TellingRules, type ToldEvent } from '../record-told.ts';
import { examine, type Found, type Question } from './evidence.ts';

/** What storing needs of the world. */
export interface StoringWorld {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
}

/** How a comparison of some messages ended. */
export interface Compared {
  /** Stored, or to be stored: the row that shows it, named with its message. */
  readonly missing: readonly { readonly row: string; readonly kind: EventKind }[];
  /** The earliest that is left because its webhook may still come. */
  readonly expectedFrom: Date | undefined;
}

interface Storing extends Question, Pick<TellingRules, 'bounceExpiryMs' | 'holdMs'> {
  readonly serverId: number;
  /** Only looks. */
  readonly dryRun: boolean;
}

/** Compares messages, and stores what is missing of them. Most lack nothing, so it looks without a lock first. */
export async function storeMissing(world: StoringWorld, storing: Storing): Promise<Compared> {
  const messages = storing.copies.map(({ message }) => message);
  const seen = await examine(world.db, await ownersOf(world.db, messages, findByPostalNames), storing);
  if (storing.dryRun || seen.every(({ findings }) => findings.missing.length === 0)) return summary(seen);
  return world.db.transaction(async (within) => {
    const found = await examine(within, await ownersOf(within, messages), storing);
    await recordTold(
      within,
      found.flatMap((one) => eventsOf(world, storing.serverId, one)),
      {
        newDeliveryId: () => newId('whd', world.clock.now(), world.random.bytes(10)),
        bounceExpiryMs: storing.bounceExpiryMs,
        holdMs: storing.holdMs,
        now: world.clock.now(),
      },
    );
    return summary(found);
  });
}

function summary(found: readonly Found[]): Compared {
  const expected = found.flatMap(({ findings }) => findings.expected.map(({ at }) => at));
  return {
    missing: found.flatMap(({ copy, findings }) =>
      findings.missing.map(({ happening: { name, kind } }) => ({
        row: `${copy.message.token} ${name}`,
        kind,
      })),
    ),
    expectedFrom: expected.toSorted((one, other) => one.getTime() - other.getTime())[0],
  };
}

function eventsOf(
  { clock, random }: StoringWorld,
  serverId: number,
  { owner, copy, findings }: Found,
): readonly ToldEvent[] {
  return findings.missing.map(({ happening: { name, kind, at, detail }, uuid }) => ({
    owner,
    event: {
      id: newId('evt', clock.now(), random.bytes(10)),
      messageId: owner.messageId,
      recipient: owner.address,
      kind,
      at,
      postalUuid: uuid ?? derivedUuid(serverId, copy.message.token, name),
      derivedFrom: uuid === undefined ? name : null,
      detail: { ...detail, reconciled: true },
    },
  }));
}
