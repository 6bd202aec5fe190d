import { describe, expect, it } from 'vitest';

import { variablesReadBy } from '../../../src/config/environment.ts';
import { loadConfig } from '../../../src/config/load.ts';
import type { Sources } from '../../../src/config/resolve.ts';
import { renderCompose } from '../../../src/operations/stack/render.ts';
import { postalFiles, secretFiles } from '../../../src/operations/stack/secret-files.ts';
import { allServices } from '../../../src/operations/stack/services.ts';
import { platformNames } from '../../../src/operations/tls/names.ts';
import { envText, sourcesOf } from '../../config/valid-sources.ts';

const secrets = {
  REDIS_PASSWORD: 'canary-Redis-x7Qp2_Zb9mTk4VwLs8NcR3yd',
  MARIADB_ROOT_PASSWORD: 'canary-Root-x7Qp2_Zb9mTk4VwLs8NcR3yde',
  MARIADB_POSTAL_PASSWORD: 'canary-Postal-x7Qp2_Zb9mTk4VwLs8NcR3',
  POSTAL_DB_PASSWORD: 'canary-Reader-x7Qp2_Zb9mTk4VwLs8NcR3',
  POSTGRES_PASSWORD: 'canary-Pg-x7Qp2_Zb9mTk4VwLs8NcR3ydefg',
  POSTAL_RAILS_SECRET: 'canary-Rails-x7Qp2_Zb9mTk4VwLs8NcR3yd',
};

function blueprint(changes: Readonly<Record<string, string>> = {}) {
  const sources: Sources = sourcesOf({ ...secrets, ...changes });
  const config = loadConfig('operator', sources);
  return {
    config,
    sources,
    image: 'mctl-own:1',
    names: platformNames(config, []),
    pinned: {},
    digests: { postal: 'p1', postalSenders: 's1', mariadb: 'm1', redis: 'r1' },
  };
}

/** The environment that a service is given, by the lines of the file. */
function environmentOf(yaml: string, service: string): readonly string[] {
  const [, body = ''] = new RegExp(`^  ${service}:\\n((?: {3,}.*\\n|\\n)+)`, 'm').exec(yaml) ?? [];
  const [, lines = ''] = /^ {4}environment:\n((?: {6}.*\n)+)/m.exec(body) ?? [];
  return lines.split('\n').flatMap((line) => /^ {6}(\w+):/.exec(line)?.[1] ?? []);
}

describe('compose.yaml', () => {
  it('holds no secret, and neither does the name of any file in it', async () => {
    const yaml = await renderCompose(blueprint());
    expect(yaml).not.toContain('canary');
    expect(envText(secrets)).toContain('canary');
  });

  it('has every service that up starts, and none twice', async () => {
    const yaml = await renderCompose(blueprint({ TLS_SOURCE: 'acme', STACK_PROFILES: 'sink' }));
    const [, body = ''] = /^services:\n([\s\S]*?)^networks:/m.exec(yaml) ?? [];
    const there = [...body.matchAll(/^ {2}([\w-]+):$/gm)].map(([, name]) => name);
    expect(there.toSorted()).toEqual([...allServices.map(({ name }) => name), 'probe', 'secrets'].toSorted());
  });

  it.each([
    ['postal', ['postal-smtp']],
    ['postalSenders', ['postal-web', 'postal-worker']],
    ['mariadb', ['mariadb']],
    ['redis', ['redis']],
  ] as const)(
    'makes what reads its files once (%s) anew where they change, and nothing else',
    async (file, names) => {
      const first = blueprint();
      const yaml = await renderCompose(first);
      const changed = await renderCompose({ ...first, digests: { ...first.digests, [file]: 'other' } });
      const services = [...yaml.matchAll(/^ {2}([\w-]+):\n(?: {4}.*\n)+/gm)].filter(
        ([body]) => !changed.includes(body),
      );
      expect(services.map(([, name]) => name)).toEqual(names);
    },
  );

  it('gives api, relay and worker their shares of the processors as their nice values say', async () => {
    const nice = { API_NICE: '-20', RELAY_NICE: '0', WORKER_NICE: '19' };
    const yaml = await renderCompose(blueprint(nice));
    const shares = [...yaml.matchAll(/^ {2}(\w+):\n(?: {4}.*\n)*? {4}cpu_shares: (\d+)$/gm)];
    expect(Object.fromEntries(shares.map(([, name, share]) => [name, share]))).toEqual({
      api: '88818',
      relay: '1024',
      worker: '15',
    });
  });

  it.each(['api', 'worker', 'relay'] as const)(
    'gives %s exactly the variables that it reads',
    async (room) => {
      const given = environmentOf(await renderCompose(blueprint()), room).map((name) =>
        name.replace(/_FILE$/, ''),
      );
      const known = variablesReadBy(room).map((name) => name.replace(/_FILE$/, ''));
      expect(given.filter((name) => !known.includes(name))).toEqual([]);
      expect(given.length).toBeGreaterThan(10);
    },
  );

  it('starts what of Postal hears SIGTERM, and gives every service the host name that is its own', async () => {
    const yaml = await renderCompose(blueprint({ TLS_SOURCE: 'acme', STACK_PROFILES: 'sink' }));
    const bodies = [...yaml.matchAll(/^ {2}([\w-]+):\n((?: {4}.*\n)+)/gm)].filter(([, , body]) =>
      body?.includes('<<: *'),
    );
    const wrong = bodies.filter(
      ([, name, body = '']) => name !== 'secrets' && /^ {4}hostname: (.*)$/m.exec(body)?.[1] !== name,
    );
    expect(wrong.map(([, name]) => name)).toEqual([]);
    const words = (name: string) =>
      /^ {4}command: (.*)$/m.exec(bodies.find((one) => one[1] === name)?.[2] ?? '')?.[1];
    expect(words('postal-web')).toBe('["bundle", "exec", "puma", "-C", "config/puma.rb"]');
    expect(words('postal-smtp')).toMatch(/"bundle", "exec", "ruby", "script\/smtp_server\.rb"\]$/);
    expect(words('postal-worker')).toMatch(/"bundle", "exec", "ruby", "script\/worker\.rb"\]$/);
    expect(words('postal-init')).toBe('["postal", "initialize"]');
  });

  it.each([
    [undefined, []],
    ['/mnt/elsewhere', ['- "/mnt/elsewhere:/mnt/elsewhere"']],
    ['elsewhere', ['- "./elsewhere:/var/lib/mailctl/elsewhere"']],
  ])(
    'has the scheduler reach the folder of copies %s by the name that .env has for it',
    async (copies, more) => {
      const yaml = await renderCompose(blueprint(copies === undefined ? {} : { BACKUP_COPY_DIR: copies }));
      const [, body = ''] = /^ {2}scheduler:\n((?: {4}.*\n)+)/m.exec(yaml) ?? [];
      const mounts = body.split('\n').filter((line) => line.startsWith('      - "'));
      expect(mounts.map((line) => line.trim())).toEqual(['- "./backups:/var/lib/mailctl/backups"', ...more]);
    },
  );

  it('opens no ports of the host but the five, and names every image by a variable', async () => {
    const yaml = await renderCompose(
      blueprint({ POSTGRES_IMAGE: 'mirror.example/pg:17', TLS_SOURCE: 'acme' }),
    );
    const ports = [...yaml.matchAll(/^ {6}- "0\.0\.0\.0:(\d+):\d+"$/gm)].map(([, port]) => Number(port));
    expect(ports.toSorted((one, other) => one - other)).toEqual([25, 80, 443, 465, 587]);
    expect(yaml).toContain('image: mirror.example/pg:17');
  });

  it('gives the login at PostgreSQL as a file from the start, as rotation changes it together with its password', async () => {
    const before = await renderCompose(blueprint());
    const after = await renderCompose(blueprint({ POSTGRES_USER: 'mailctl_a' }));
    expect(environmentOf(before, 'api')).toContain('POSTGRES_USER_FILE');
    expect(after).toBe(before);
  });

  it('takes the digest that an image name meant at its first pull', async () => {
    const pinned = { 'postgres:17': 'postgres@sha256:0123' };
    expect(await renderCompose({ ...blueprint(), pinned })).toContain('image: postgres@sha256:0123');
  });

  it('keeps what the stack decides from what .env says for another way to run', async () => {
    const yaml = await renderCompose(blueprint({ API_LISTEN: '127.0.0.1:9999' }));
    expect(yaml).toContain('API_LISTEN: "0.0.0.0:8080"');
    expect(yaml).not.toContain('9999');
  });
});

describe('the files of the volumes', () => {
  it('are each for one reader: 0400, and of the user that reads them', async () => {
    const files = { readOwn: async () => 'KEY' } as never;
    const entries = await secretFiles({
      world: { dir: '/nowhere', files },
      ...blueprint({ TLS_SOURCE: 'acme' }),
    });
    const written = entries.filter(({ content }) => content !== undefined);
    expect(new Set(written.map(({ mode }) => mode))).toEqual(new Set([0o400]));
    const owners = new Map(written.map(({ path, uid }) => [path, uid]));
    expect(owners.get('secrets-postgres/POSTGRES_PASSWORD')).toBe(999);
    expect(owners.get('secrets-api/POSTGRES_PASSWORD')).toBe(10_053);
    expect(owners.get('postal-config/postal.yml')).toBe(999);
    expect(
      [...owners.keys()].filter((path) => path.startsWith('secrets-relay/') && path.includes('POSTGRES')),
    ).toEqual([]);
  });
});

describe('what Postal reads at its start', () => {
  it('tells its SMTP server nothing of the credential with which Postal sends, and the others all', async () => {
    const world = { dir: '/nowhere', files: { readOwn: async () => 'KEY' } as never };
    const credential = 'aB3dE5fG7hJ9kL1mN3pQ5rS7';
    const before = await postalFiles({ world, ...blueprint() });
    const after = await postalFiles({ world, ...blueprint({ POSTAL_SMTP_CREDENTIAL: credential }) });
    expect(after.server).toBe(before.server);
    expect(after.senders).not.toBe(before.senders);
    expect(after.senders).toContain(credential);
  });
});

describe('what rotates', () => {
  it('is in a file from the start, set or not, so that a running container sees what it becomes', async () => {
    const before = await renderCompose(blueprint());
    const during = await renderCompose(
      blueprint({
        API_INTERNAL_TOKEN_ALSO: 'n'.repeat(43),
        POSTGRES_USER: 'mailctl_a',
        POSTAL_DB_USER: 'mailctl_reader_a',
        MARIADB_POSTAL_USER: 'postal_a',
        BACKUP_MARIADB_USER: 'dumper_a',
      }),
    );
    const files = { readOwn: async () => 'KEY' } as never;
    const entries = await secretFiles({ world: { dir: '/nowhere', files }, ...blueprint() });
    const contents = new Map(entries.map(({ path, content }) => [path, content]));

    // What Postal reads once is a file too, and starts anew by a digest of it alone.
    expect(during).toBe(before);
    expect(contents.get('secrets-mariadb/MARIADB_POSTAL_USER')).toBe('postal');
    expect(contents.get('secrets-operator/MARIADB_POSTAL_USER')).toBe('postal');
    expect(before).toContain('API_INTERNAL_TOKEN_ALSO_FILE');
    expect(contents.get('secrets-api/API_INTERNAL_TOKEN_ALSO')).toBe('');
    expect(contents.get('secrets-api/POSTGRES_USER')).toBe('mailctl');
    expect(contents.get('secrets-worker/POSTAL_DB_USER')).toBe('mailctl_reader');
    expect(contents.get('secrets-mariadb/POSTAL_DB_USER')).toBe('mailctl_reader');
  });
});
