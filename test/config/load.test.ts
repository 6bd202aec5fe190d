import { describe, expect, it } from 'vitest';

import { allVariables, environment, isFileVariable } from '../../src/config/environment.ts';
import { loadConfig, readVariables } from '../../src/config/load.ts';
import type { Sources } from '../../src/config/resolve.ts';
import type { Variable } from '../../src/config/variable.ts';
import { OperatorError } from '../../src/domain/failure.ts';
import { goodSecret, sourcesOf } from './valid-sources.ts';

const notes = Object.entries<Variable>(environment);
const secrets = notes.filter(([, { secret }]) => secret).map(([name]) => name);

function problems(sources: Sources) {
  return readVariables(allVariables, sources).problems;
}

function messageOf(sources: Sources): string {
  return problems(sources)
    .map(({ name, line, message }) => `${name}${line === undefined ? '' : `:${line}`} ${message}`)
    .join('\n');
}

describe('the schema', () => {
  it('has a default for each variable that its own shape takes', () => {
    const broken = notes.filter(
      ([, { fallback, shape }]) => fallback !== undefined && !shape.safeParse(fallback).success,
    );
    expect(broken.map(([name]) => name)).toEqual([]);
  });

  it('is satisfied by its defaults and the required variables', () => {
    expect(messageOf(sourcesOf())).toBe('');
  });

  it('asks for every variable that has no default', () => {
    const missing = readVariables(allVariables, sourcesOf({}, { file: undefined })).problems;
    const required = notes.filter(([, { fallback, optional }]) => fallback === undefined && !optional);
    expect(missing.filter(({ message }) => message === 'is not set').map(({ name }) => name)).toEqual(
      required.map(([name]) => name),
    );
  });

  it('takes no limit and no interval of ours that a timer cannot hold, or that would never rest', () => {
    const timers = notes.filter(
      ([name]) => /_(TIMEOUT|INTERVAL)$/.test(name) && name !== 'NGINX_KEEPALIVE_TIMEOUT',
    );
    for (const text of ['0s', '25d']) {
      const taken = timers.filter(([, { shape }]) => shape.safeParse(text).success);
      expect([text, ...taken.map(([name]) => name)]).toEqual([text]);
    }
    expect(timers.length).toBeGreaterThan(50);
    expect(messageOf(sourcesOf({ BACKUP_TIMEOUT: '30d' }))).toMatch(
      /^BACKUP_TIMEOUT:\d+ must be from 1ms to 24d$/,
    );
  });

  it('lets every secret come from a file', () => {
    expect(allVariables.filter((name) => isFileVariable(name))).toEqual(expect.arrayContaining(secrets));
  });

  it('says of each variable in one sentence what it means', () => {
    const silent = notes.filter(
      ([, { means }]) => means.length < 10 || means.includes('\n') || means.endsWith('.'),
    );
    expect(silent.map(([name]) => name)).toEqual([]);
  });
});

describe('where a value comes from', () => {
  const name = 'API_RATE_LIMIT';
  const layers = { flags: { [name]: '4' }, environment: { [name]: '3' } };

  it.each([
    ['a flag before all else', sourcesOf({ [name]: '2' }, layers), 4, 'flag'],
    [
      'the environment before .env',
      sourcesOf({ [name]: '2' }, { environment: layers.environment }),
      3,
      'environment',
    ],
    ['.env before the default', sourcesOf({ [name]: '2' }), 2, '.env'],
    ['the default at last', sourcesOf(), 600, 'default'],
    [
      'the environment, as a blank flag is unset',
      sourcesOf({}, { ...layers, flags: { [name]: '' } }),
      3,
      'environment',
    ],
    [
      '.env, as a blank environment is unset',
      sourcesOf({ [name]: '2' }, { environment: { [name]: ' \t' } }),
      2,
      '.env',
    ],
    ['the default, as a blank line is unset', sourcesOf({ [name]: '' }), 600, 'default'],
    ['the default, as blank quotes are unset', sourcesOf({ [name]: "'  '" }), 600, 'default'],
  ])('is %s', (_, sources, value, origin) => {
    const { values, origins } = readVariables([name], sources);
    expect([values.get(name), origins.get(name)]).toEqual([value, origin]);
  });
});

describe('a secret in a file', () => {
  const files = {
    'secrets/pg': `${goodSecret}\n`,
    crlf: `${goodSecret}\r\n`,
    empty: '\n',
    two: `${goodSecret}\nx\n`,
  };
  const fromFile = (path: string) =>
    sourcesOf({ POSTGRES_PASSWORD: undefined, POSTGRES_PASSWORD_FILE: path }, { files });

  it.each(['secrets/pg', 'crlf'])('is read without the end of its line (%s)', (path) => {
    const { values, origins } = readVariables(['POSTGRES_PASSWORD'], fromFile(path));
    expect(String(values.get('POSTGRES_PASSWORD'))).toBe('[secret]');
    expect(origins.get('POSTGRES_PASSWORD')).toBe('file');
    expect(loadConfig('operator', fromFile(path)).POSTGRES_PASSWORD.reveal()).toBe(goodSecret);
  });

  it.each([
    ['missing', /^POSTGRES_PASSWORD_FILE:\d+ names missing, which cannot be read \(ENOENT\)$/],
    ['empty', /^POSTGRES_PASSWORD_FILE:\d+ names empty, which is empty$/],
    ['two', /^POSTGRES_PASSWORD_FILE:\d+ names two, which holds more than one line$/],
  ])('is refused by the name of the variable when the file is %s', (path, said) => {
    expect(messageOf(fromFile(path))).toMatch(said);
  });

  it.each(secrets)('%s is refused when it is set both ways', (secret) => {
    const both = sourcesOf({ [secret]: goodSecret, [`${secret}_FILE`]: 'secrets/pg' }, { files });
    expect(messageOf(both)).toMatch(
      new RegExp(`^${secret}:\\d+ is set twice: as ${secret} and as ${secret}_FILE`, 'm'),
    );
  });

  it('may be set in .env while the blank NAME in the environment counts for nothing', () => {
    const sources = { ...fromFile('secrets/pg'), environment: { POSTGRES_PASSWORD: '' } };
    expect(messageOf(sources)).toBe('');
  });
});

describe('what is wrong', () => {
  it('is named with its line in .env', () => {
    const sources = sourcesOf({ MAIL_DOMAIN: 'no domain', API_RATE_PERIOD: '5 parsecs' });
    expect(messageOf(sources)).toMatch(/^MAIL_DOMAIN:1 is no domain name: write for example example\.com$/m);
    expect(messageOf(sources)).toMatch(/^API_RATE_PERIOD:\d+ is no duration: write 30s, 5m, 2h or 1d$/m);
  });

  it('has no line when the value is in the environment, whatever .env says', () => {
    const sources = sourcesOf({ API_RATE_LIMIT: '5' }, { environment: { API_RATE_LIMIT: 'many' } });
    expect(messageOf(sources)).toBe('API_RATE_LIMIT is no whole number');
  });

  it('has its line when the variable stands there blank', () => {
    expect(messageOf(sourcesOf({ MAIL_DOMAIN: '' }))).toBe('MAIL_DOMAIN:1 is not set');
  });

  it('is thrown whole: every problem at once, and the first one as the field', () => {
    const sources = sourcesOf({ POSTGRES_PORT: '70000', POSTGRES_POOL_SIZE: '0' });
    expect(() => loadConfig('worker', sources)).toThrow(
      expect.objectContaining({
        code: 'config-invalid',
        field: 'POSTGRES_PORT',
        data: {
          problems: [
            expect.objectContaining({ name: 'POSTGRES_PORT' }),
            expect.objectContaining({ name: 'POSTGRES_POOL_SIZE' }),
          ],
        },
      }),
    );
  });

  it('leads to init where there is no .env at all', () => {
    expect(() => loadConfig('api', sourcesOf({}, { file: undefined }))).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('mailctl init') }),
    );
  });

  it('does not stop a room that does not read the variable', () => {
    expect(loadConfig('api', sourcesOf({ RELAY_MAX_ERRORS: 'lots' })).API_RATE_LIMIT).toBe(600);
  });
});

describe('rules between variables', () => {
  it.each([
    ['a certificate without a key', { RELAY_TLS_KEY_FILE: '' }, 'RELAY_TLS_KEY_FILE'],
    ['a key without a certificate', { RELAY_TLS_CERT_FILE: '' }, 'RELAY_TLS_CERT_FILE'],
    ['TLS without a certificate', { RELAY_TLS_CERT_FILE: '', RELAY_TLS_KEY_FILE: '' }, 'RELAY_TLS_CERT_FILE'],
    [
      'no open listener',
      { RELAY_SUBMISSION_LISTEN: 'off', RELAY_TLS_LISTEN: 'off' },
      'RELAY_SUBMISSION_LISTEN',
    ],
    ['a lease shorter than a hand-over', { WORKER_LEASE: '30s', POSTAL_TIMEOUT: '60s' }, 'WORKER_LEASE'],
    [
      'more requests to Postal than it has threads',
      { POSTAL_CONCURRENCY: '9', POSTAL_WEB_THREADS: '8' },
      'POSTAL_CONCURRENCY',
    ],
    [
      "Postal's database without a user",
      { POSTAL_DB_HOST: 'mariadb', POSTAL_DB_PASSWORD: goodSecret },
      'POSTAL_DB_USER',
    ],
  ])('refuse %s, naming the variable', (_, changes, name) => {
    expect(problems(sourcesOf(changes)).map((problem) => problem.name)).toContain(name);
  });
});

describe('requests to Postal at once', () => {
  const load = (requests: string) => () =>
    loadConfig('operator', sourcesOf({ POSTAL_CONCURRENCY: requests, POSTAL_WEB_THREADS: '8' }));

  it('may be as many as Postal has threads, and the refusal of more tells both ways out', () => {
    expect(load('8')).not.toThrow();
    expect(load('9')).toThrow(/POSTAL_CONCURRENCY .*lower it, or raise POSTAL_WEB_THREADS/);
  });

  it('are not compared where the threads are not told, as in the worker', () => {
    const sources = sourcesOf({ POSTAL_CONCURRENCY: '9', POSTAL_WEB_THREADS: '8' });
    expect(loadConfig('worker', sources).POSTAL_CONCURRENCY).toBe(9);
  });
});

describe('a weak secret', () => {
  const weak = {
    placeholder: 'CHANGE_ME_CHANGE_ME_CHANGE_ME',
    'well-known': 'password-password-password',
    short: 'q7Xw-canary',
    monotonous: 'abababababababababababababab',
    'in angle brackets': '<generate a long one here>',
  };

  it.each(
    secrets.flatMap((name) => Object.entries(weak).map(([kind, value]) => [name, kind, value] as const)),
  )('%s that is %s is refused by name and never shown', (name, _, value) => {
    const sources = sourcesOf({ [name]: `'${value}'` });
    const found = problems(sources).filter((problem) => problem.name === name);
    expect(found).toHaveLength(1);
    expect(found[0]?.line).toBeGreaterThan(0);
    expect(JSON.stringify(found)).not.toContain(value);
  });

  it('is refused from a file and from the environment too', () => {
    const files = { weak: 'changeme' };
    const fromFile = sourcesOf({ POSTGRES_PASSWORD: undefined, POSTGRES_PASSWORD_FILE: 'weak' }, { files });
    const exported = sourcesOf({}, { environment: { POSTGRES_PASSWORD: 'changeme' } });
    expect(messageOf(fromFile)).toMatch(/^POSTGRES_PASSWORD is a placeholder/);
    expect(messageOf(exported)).toMatch(/^POSTGRES_PASSWORD is a placeholder/);
  });

  it('passes in the sandbox alone: a mode that is none counts as production', () => {
    expect(messageOf(sourcesOf({ POSTGRES_PASSWORD: 'short', MAILCTL_MODE: 'sandbox' }))).toBe('');
    expect(messageOf(sourcesOf({ POSTGRES_PASSWORD: 'short', MAILCTL_MODE: 'sandboxx' }))).toContain(
      'POSTGRES_PASSWORD',
    );
  });

  it('is in no part of the failure that is thrown', () => {
    const thrown = failureOf(() => loadConfig('operator', sourcesOf({ POSTGRES_PASSWORD: weak.short })));
    const { message, hint, field, data, stack } = thrown;
    expect(message).toContain('POSTGRES_PASSWORD');
    expect(JSON.stringify({ message, hint, field, data, stack })).not.toContain(weak.short);
  });
});

function failureOf(load: () => unknown): OperatorError {
  try {
    load();
  } catch (error) {
    if (error instanceof OperatorError) return error;
  }
  throw new Error('it did not fail as an operator would see it');
}

it('takes an empty file of what rotates and need not be set for unset', () => {
  const sources = sourcesOf({ POSTAL_API_KEY_FILE: 'empty' }, { files: { empty: '' } });
  expect(loadConfig('operator', sources).POSTAL_API_KEY).toBeUndefined();
});
