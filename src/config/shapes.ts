import { isIP } from 'node:net';

import { z } from 'zod';

import { isDomainName } from '../domain/address.ts';
import { type Cron, parseCron } from '../domain/cron.ts';
import { type DailyWindow, parseDailyWindow } from '../domain/daily-window.ts';
import { parseDuration } from '../domain/duration.ts';
import { isCidr } from '../domain/ip-address.ts';
import { Secret } from '../domain/secret.ts';

const sizes = { B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 } as const;

/** Milliseconds, written `30s`, `5m`, `2h`. */
export const duration = z.string().transform((text, context) => {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  context.addIssue({ code: 'custom', message: 'is no duration: write 30s, 5m, 2h or 1d' });
  return z.NEVER;
});

/** A timer of Node holds 31 bits of milliseconds, some hours more than this; a longer one fires at once. */
const longestWait = '24d';

/** Milliseconds that a timer is set to: how long something may take, or how often it is looked at. Zero would be never, or all the time. */
export const wait = duration.refine((ms) => ms >= 1 && ms <= (parseDuration(longestWait) ?? 0), {
  error: `must be from 1ms to ${longestWait}`,
});

/** Octets, written `64KB`, `25MB`, `2GB` (powers of 1024), or a bare number. */
export const size = z.string().transform((text, context) => {
  const match = /^(\d+)\s*(B|KB|MB|GB)?$/i.exec(text.trim());
  const unit = (match?.[2] ?? 'B').toUpperCase() as keyof typeof sizes;
  if (match) return Number(match[1]) * sizes[unit];
  context.addIssue({ code: 'custom', message: 'is no size: write 64KB, 25MB or 2GB' });
  return z.NEVER;
});

/** A whole number between bounds. */
export function count(least: number, most = Number.MAX_SAFE_INTEGER) {
  return z
    .string()
    .refine((text) => /^\d+$/.test(text), { error: 'is no whole number', abort: true })
    .transform(Number)
    .refine((number) => number >= least && number <= most, { error: `must be from ${least} to ${most}` });
}

/** A nice value: how far a process stands back (above 0) or comes forward where processors are short. */
export const nice = z
  .string()
  .refine((text) => /^-?\d+$/.test(text), { error: 'is no whole number', abort: true })
  .transform(Number)
  .refine((number) => number >= -20 && number <= 19, { error: 'must be from -20 to 19' });

/** Where a server listens. */
export interface Listen {
  readonly host: string;
  readonly port: number;
}

/** `HOST:PORT`, `[::1]:PORT` or `off`. */
export const listenOrOff = z.string().transform(readListen);

/** The same, or `published`: where the stack publishes it. */
export const listenOrPublished = z
  .string()
  .transform((text, context) => (text === 'published' ? text : readListen(text, context)));

function readListen(text: string, context: z.RefinementCtx): Listen | undefined {
  if (text === 'off') return undefined;
  const match = /^(?:\[([0-9a-f:]+)\]|([^:\s]+)):(\d{1,5})$/i.exec(text);
  const port = Number(match?.[3] ?? Number.NaN);
  if (match && port <= 65_535) return { host: match[1] ?? match[2] ?? '', port };
  context.addIssue({
    code: 'custom',
    message: 'is no listen address: write HOST:PORT, such as 127.0.0.1:8080, or off',
  });
  return z.NEVER;
}

/** `HOST:PORT`; this one cannot be switched off. */
export const listen = listenOrOff.transform((value, context): Listen => {
  if (value) return value;
  context.addIssue({ code: 'custom', message: 'cannot be off: write HOST:PORT, such as 127.0.0.1:8080' });
  return z.NEVER;
});

/** `true` or `false`. */
export const flag = z
  .string()
  .refine((text) => ['true', 'false'].includes(text.toLowerCase()), {
    error: 'is neither true nor false',
    abort: true,
  })
  .transform((text) => text.toLowerCase() === 'true');

export const domainName = z
  .string()
  .transform((text) => text.toLowerCase())
  .refine(isDomainName, { error: 'is no domain name: write for example example.com' });

export const emailAddress = z
  .string()
  .refine(
    (text) =>
      /^[^\s\p{C}@<>,;"\\$`]{1,64}@[^\s@]+$/u.test(text) &&
      isDomainName(text.slice(text.lastIndexOf('@') + 1)),
    {
      error: 'is no mail address: write for example ops@example.com',
    },
  );

export const webUrl = z
  .string()
  .refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), {
    error: 'is no URL: write for example https://example.com',
    abort: true,
  })
  .refine((text) => new URL(text).username === '' && new URL(text).password === '', {
    error: 'holds a user name or password, which a URL here must not',
  })
  .transform((text) => text.replace(/\/+$/, ''));

/** Any text on one line. */
export const text = z.string();

export const path = z.string();

/** Words separated by commas. */
export const list = z.string().transform((value) =>
  value
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== ''),
);

/** Networks (CIDR) or addresses separated by commas. */
export const networks = list.refine((words) => words.every(isCidr), {
  error: 'is no list of networks: write for example 172.18.0.1,10.0.0.0/8',
});

/** `redis://HOST:PORT/DATABASE`, `rediss://…` for TLS, or `unix:///path?db=DATABASE`. */
export const redisUrl = z
  .string()
  .refine((text) => URL.canParse(text) && /^(rediss?:\/\/[^/]|unix:\/\/\/.)/.test(text), {
    error: 'is no address of a Redis: write for example redis://redis:6379',
    abort: true,
  })
  .refine((text) => new URL(text).password === '' && new URL(text).username === '', {
    error: 'holds a user name or password: write it as REDIS_PASSWORD',
  });

/** Durations separated by commas: a schedule of delays. */
export const durations = list.pipe(
  z.array(duration).min(1, { error: 'needs at least one duration, such as 30s,5m' }),
);

/** One of a few words. */
export function oneOf<const W extends readonly [string, ...string[]]>(words: W) {
  return z.enum(words, { error: `must be one of ${words.join(', ')}` }) as unknown as z.ZodType<
    W[number],
    string
  >;
}

export const secret = z.string().transform((value) => new Secret(value));

/** When something is due: five cron fields in UTC, or `off`. */
export const cronOrOff = z.string().transform((text, context): Schedule | undefined => {
  if (text.trim() === 'off') return undefined;
  const cron = parseCron(text);
  if (typeof cron !== 'string') return { text: text.trim(), cron };
  context.addIssue({ code: 'custom', message: cron });
  return z.NEVER;
});

/** A cron expression as it was written and as it was read. */
export interface Schedule {
  readonly text: string;
  readonly cron: Cron;
}
/** A public key of age. */
export const ageRecipient = z.string().refine((text) => /^age1[a-z0-9]{20,}$/.test(text), {
  error: 'is no public key of age: it begins with age1; mailctl backup key make makes one',
});

/** `HH:MM-HH:MM`, UTC. */
export const dailyWindow = z.string().transform((text, context): DailyWindow => {
  const window = parseDailyWindow(text);
  if (window) return window;
  context.addIssue({ code: 'custom', message: 'is no time of day: write for example 02:55-03:20' });
  return z.NEVER;
});

/** IPv4 and IPv6 addresses separated by commas. */
export const addresses = list.refine((words) => words.every((word) => isIP(word) > 0), {
  error: 'is no list of IP addresses: write for example 203.0.113.7,2001:db8::7',
});

/** The address of a server, `IP:PORT` or `[IPv6]:PORT`; the port may be left out. */
export const hostAndPort = z
  .string()
  .refine((text) => isIP(text.replace(/^\[(.+)\](:\d{1,5})?$|:\d{1,5}$/, '$1') || text) > 0, {
    error: 'is no address: write IP:PORT, such as 127.0.0.1:53',
  });

/** One label of a host name. */
export const dnsLabel = z.string().refine((text) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text), {
  error: 'is no label of a host name: write lower-case letters, digits and hyphens',
});

/** A local part as Postal's routes take it. */
export const mailboxName = z.string().refine((text) => /^[a-z0-9\-.]{1,64}$/.test(text), {
  error: 'is no name of a mailbox here: write lower-case letters, digits, dots and hyphens',
});
