import { systemClock } from '../../../src/adapters/clock.ts';
import type { Postgres } from '../../../src/adapters/postgres.ts';
import type { Secret } from '../../../src/domain/secret.ts';
import { until } from '../../store/until.ts';
import type { TestPostal } from '../../engines/postal-databases.ts';

/** Every third message has three recipients, two of whom Postal's collation cannot tell apart. */
function addresses(number: number): readonly string[] {
  const names = number % 3 === 0 ? ['a', 'A', 'b+'] : ['a'];
  return names.map((name) => `${name}${number}@example.test`);
}

/** How many recipients the first messages have. */
export function recipientsOf(messages: number): number {
  return messages + 2 * Math.ceil(messages / 3);
}

/** Messages on their way in, and how many times one had to be sent again because its 202 was not seen. */
export interface Traffic {
  readonly wanted: number;
  next: number;
  again: number;
  /** Waits for a place: no more is sent than goes out. */
  readonly place: (number: number) => Promise<void>;
}

interface Door {
  readonly url: string;
  readonly key: Secret;
}

/** One client: takes the next number and sends it, under the same key each time, until it has seen a 202. */
export async function sendInLane(traffic: Traffic, door: Door): Promise<void> {
  while (traffic.next < traffic.wanted) {
    const number = traffic.next;
    traffic.next += 1;
    await traffic.place(number);
    while ((await send(number, door)) !== 202) {
      traffic.again += 1;
      await systemClock.sleep(50);
    }
  }
}

async function send(number: number, { url, key }: Door): Promise<number> {
  try {
    const answer = await fetch(`${url}/v1/messages`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${key.reveal()}`,
        'content-type': 'application/json',
        'idempotency-key': `chaos-${number}`,
      },
      body: JSON.stringify({
        from: 'news@acme.test',
        to: addresses(number),
        subject: `${number}`,
        text: 'Hi',
      }),
      signal: AbortSignal.timeout(3000),
    });
    await answer.arrayBuffer();
    return answer.status;
  } catch {
    return 0;
  }
}

/** Recipients that are not at Postal yet; undefined while PostgreSQL does not answer. */
export async function open(db: Postgres): Promise<number | undefined> {
  const rows = await db
    .query<{ count: number }>(
      `select count(*)::integer as count from recipients where state in ('queued', 'scheduled', 'sending', 'uncertain')`,
    )
    .catch(() => []);
  return rows[0]?.count;
}

/** Asks until PostgreSQL answers: it may have been struck a moment ago. */
export async function askAtLast<R extends Record<string, unknown>>(
  db: Postgres,
  query: string,
  values: readonly unknown[] = [],
): Promise<readonly R[]> {
  const rows = await until(
    () => db.query<R>(query, values).catch(() => undefined),
    (answer) => answer !== undefined,
    60_000,
  );
  return rows ?? [];
}

/** What is on record of recipients, for whoever has to find out why one is lost or doubled. */
export function histories(db: Postgres, recipients: readonly string[]) {
  return askAtLast(
    db,
    `select r.address, r.state, e.kind, e.recorded_at, e.detail from recipients r left join events e
       on e.message_id = r.message_id and (e.recipient = r.address or e.recipient is null)
     where r.address = any($1::text[]) order by r.address, e.recorded_at`,
    [recipients],
  );
}

/** What Postal has of each recipient that was sent to, counted in its queue and deliveries. */
export async function census(databases: TestPostal, wanted: number) {
  const living = await databases.living();
  const copies = new Map<string, number>();
  for (const [copy, count] of Object.entries(living)) {
    const address = copy.split(' ')[1] ?? '';
    copies.set(address, (copies.get(address) ?? 0) + count);
  }
  const everyone = Array.from({ length: wanted }, (_, number) => addresses(number)).flat();
  const known = new Set(everyone);
  return {
    lost: everyone.filter((address) => !copies.has(address)),
    doubled: everyone.filter((address) => (copies.get(address) ?? 0) > 1),
    unknown: [...copies.keys()].filter((address) => !known.has(address)),
  };
}
