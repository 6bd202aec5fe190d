import { join } from 'node:path';

import { z } from 'zod';

import type { Clock } from '../../adapters/clock.ts';
import { gauge, type Registry } from '../metrics.ts';
import { openKeptFile } from './kept-file.ts';
import type { RelayConfig, RelayWorld } from './room.ts';
import { askDomainsOfApi } from './senders-api.ts';
import { type KnownDomains, openSenders, type SenderCheck } from './senders.ts';

const file = z.object({
  names: z.array(z.string()),
  any: z.boolean(),
  senderSuffices: z.boolean(),
  seenAt: z.iso.datetime(),
});

/** The verified domains outlive a restart, so that senders are checked while the api is away. `release` gets what to wait for. */
export async function recallSenders(
  config: RelayConfig,
  world: RelayWorld,
  registry: Registry,
  release: (() => Promise<unknown>)[],
): Promise<SenderCheck> {
  const path = join(config.RELAY_JOURNAL_DIR, 'sender-domains.json');
  const kept = await openKeptFile(world.disk, path, world.log);
  release.push(kept.close);
  const ask = askDomainsOfApi({
    ...world,
    url: config.API_INTERNAL_URL,
    token: () => config.API_INTERNAL_TOKEN,
    timeoutMs: config.API_INTERNAL_TIMEOUT,
  });
  const { POSTAL_DOMAINS_INTERVAL: intervalMs, POSTAL_DOMAINS_STALE_TTL: staleMs } = config;
  const ended = new AbortController();
  const known = readFile(kept.text, world.clock);
  const write = writingRarely(known, staleMs / 10, (text) => kept.save(() => text));
  const changed = (now: KnownDomains | undefined) => (ended.signal.aborted ? undefined : write(now));
  const senders = openSenders({ ask, clock: world.clock, intervalMs, staleMs, changed }, known);
  openSenderFigures(registry, senders);
  release.push(async () => ended.abort());
  void keepRefreshing(senders, { intervalMs, clock: world.clock, ended: ended.signal });
  return senders;
}

/** Writes what is new; that the same was seen again only once in a while. */
function writingRarely(
  first: KnownDomains | undefined,
  everyMs: number,
  save: (text: string) => void,
): (known: KnownDomains | undefined) => void {
  let written = first;
  return (known) => {
    const isSame = namesAsText(known) === namesAsText(written);
    if (isSame && (known?.seenAt ?? 0) - (written?.seenAt ?? 0) < everyMs) return;
    written = known;
    save(asText(known));
  };
}

function namesAsText(known: KnownDomains | undefined): string {
  if (!known) return '';
  const { names, ...rest } = known.domains;
  return JSON.stringify([...names, rest]);
}

function openSenderFigures(registry: Registry, { ageMs }: SenderCheck): void {
  gauge(registry, {
    name: 'mailctl_relay_senders_checked',
    help: '1 while mail from a domain that Postal has not verified is refused; 0 where nobody could look at its database',
    labels: [],
    collect() {
      this.set(Number(ageMs() !== undefined));
    },
  });
  gauge(registry, {
    name: 'mailctl_relay_sender_domains_age_seconds',
    help: 'Time since somebody last looked which domains Postal has verified; none while senders are not checked',
    labels: [],
    collect() {
      const age = ageMs();
      if (age === undefined) this.remove();
      else this.set(age / 1000);
    },
  });
}

interface Refreshing {
  readonly intervalMs: number;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly ended: AbortSignal;
}

/** Asks every `intervalMs`, the first time at once. A relay that ends does not wait for an answer. */
async function keepRefreshing(
  { refresh }: SenderCheck,
  { intervalMs, clock, ended }: Refreshing,
): Promise<void> {
  for (; !ended.aborted; await clock.sleep(intervalMs, ended)) await refresh();
}

function asText(known: KnownDomains | undefined): string {
  if (!known) return 'null';
  const { domains, seenAt } = known;
  return JSON.stringify({ ...domains, names: [...domains.names], seenAt: new Date(seenAt).toISOString() });
}

/** A torn file, or one that names a time to come, costs one question to the api. */
function readFile(text: string | undefined, clock: Pick<Clock, 'now'>): KnownDomains | undefined {
  const read = file.safeParse(parseJson(text ?? 'null'));
  if (!read.success) return undefined;
  const { names, seenAt, ...rest } = read.data;
  const at = Math.min(new Date(seenAt).getTime(), clock.now().getTime());
  return { domains: { names: new Set(names), ...rest }, seenAt: at };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
