import type { Dns } from '../../adapters/dns.ts';
import type { Database } from '../../adapters/postgres.ts';
import type { TextRecord } from '../../adapters/read-mail.ts';
import type { ConfigOf } from '../../config/environment.ts';
import { findRecentInboundMail } from '../../store/inbound-mail.ts';
import { postalNames } from '../postal/dns-records.ts';
import type { Mailbox } from './mailbox.ts';

/** True for the address whose mail Postal brings to the api: by its name, or by the name that Postal gave its route. */
export function isRouted(
  { POSTAL_PROBE_NAME, POSTAL_HOSTNAME }: Pick<ConfigOf<'operator'>, 'POSTAL_PROBE_NAME' | 'POSTAL_HOSTNAME'>,
  address: string,
): boolean {
  const [local = '', domain = ''] = address.split('@');
  return (
    local.split('+')[0] === POSTAL_PROBE_NAME || domain.toLowerCase() === postalNames(POSTAL_HOSTNAME).routes
  );
}

/** Reads mail that went out into the world and came back through a route of Postal; its keys are those in the DNS. */
export function openRouteMailbox(db: Database, dns: Dns): Mailbox {
  return {
    find: async (messageId) => {
      const raw = await findRecentInboundMail(db, `<${messageId}>`);
      return raw && { raw, tag: null };
    },
    keys: async (raw) => {
      const found = await Promise.all(keyNames(raw).map((name) => publishedAt(dns, name)));
      return found.flat();
    },
  };
}

async function publishedAt(dns: Dns, name: string): Promise<readonly TextRecord[]> {
  const answers = await dns.ask(name, 'TXT').catch(() => []);
  return (answers[0]?.values ?? []).map((value) => ({ name, value }));
}

/** Where the keys of a message's signatures are published (RFC 6376 §3.6.2.1). */
function keyNames(raw: Uint8Array): readonly string[] {
  const text = Buffer.from(raw).toString('latin1');
  const head = text.slice(0, Math.max(0, text.indexOf('\r\n\r\n'))).replaceAll(/\r\n[ \t]+/g, ' ');
  const signatures = head.split('\r\n').filter((line) => /^dkim-signature:/i.test(line));
  return signatures.flatMap((line) => {
    const [, domain] = /[:;]\s*d=\s*([^\s;]+)/.exec(line) ?? [];
    const [, selector] = /[:;]\s*s=\s*([^\s;]+)/.exec(line) ?? [];
    return domain && selector ? [`${selector}._domainkey.${domain}`] : [];
  });
}
