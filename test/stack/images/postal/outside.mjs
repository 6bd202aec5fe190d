// The world beyond Postal, asked as Postal asks it: the name server of dns.resolv_conf_path, and SMTP to the first MX.
import { readFileSync } from 'node:fs';
import { Resolver } from 'node:dns/promises';

import { openSmtp } from '/opt/mailctl/dist/adapters/smtp.js';
import { setting } from './configuration.mjs';

const timeoutMs = 5000;

function resolver() {
  const lines = readFileSync(setting('dns', 'resolv_conf_path'), 'utf8').split('\n');
  const servers = lines.flatMap((line) => /^nameserver\s+(\S+)/.exec(line)?.[1] ?? []);
  const asking = new Resolver({ timeout: timeoutMs, tries: 1 });
  asking.setServers(servers);
  return asking;
}

async function records(type, name) {
  const values = await resolver()
    .resolve(name, type)
    .catch(() => []);
  return values.map((value) => (Array.isArray(value) ? value.join('') : value));
}

async function carry({ from, to, raw }) {
  const dns = resolver();
  const [exchange] = (await dns.resolveMx(to.slice(to.lastIndexOf('@') + 1))).toSorted(
    (one, other) => one.priority - other.priority,
  );
  const [host] = await dns.resolve4(exchange.exchange);
  const server = await openSmtp({ host, port: 25, timeoutMs });
  try {
    for (const line of ['EHLO postal', `MAIL FROM:<${from}>`, `RCPT TO:<${to}>`, 'DATA'])
      accepted(await server.say(line));
    const reply = accepted(await server.sendMessage(raw));
    return { host: `${host}:25 (${exchange.exchange})`, reply };
  } finally {
    await server[Symbol.asyncDispose]();
  }
}

function accepted({ code, lines }) {
  const reply = `${code} ${lines.join(' ')}`;
  if (code >= 400) throw new Error(reply);
  return reply;
}

/** Undefined where Postal is left with the resolver of the host: then the stand-in keeps the mail. */
export function openOutside() {
  return setting('dns', 'resolv_conf_path') === '/etc/resolv.conf' ? undefined : { carry, records };
}
