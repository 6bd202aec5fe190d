import { describe, expect, it } from 'vitest';

import { nearest } from '../../src/config/nearest.ts';
import {
  count,
  domainName,
  duration,
  durations,
  emailAddress,
  flag,
  list,
  listen,
  listenOrOff,
  networks,
  nice,
  oneOf,
  redisUrl,
  size,
  wait,
  webUrl,
} from '../../src/config/shapes.ts';
import { weakness } from '../../src/config/weak-secret.ts';
import { systemRandom } from '../../src/adapters/random.ts';

const hour = 3_600_000;

describe('shapes take', () => {
  it.each([
    [duration, '2h', 2 * hour],
    [duration, ' 1.5s ', 1500],
    [duration, '250ms', 250],
    [duration, '36500d', 36_500 * 24 * hour],
    [wait, '1ms', 1],
    [wait, '24d', 24 * 24 * hour],
    [networks, '172.18.0.1, 10.0.0.0/8', ['172.18.0.1', '10.0.0.0/8']],
    [networks, '', []],
    [redisUrl, 'redis://redis:6379/2', 'redis://redis:6379/2'],
    [redisUrl, 'unix:///run/redis.sock?db=3', 'unix:///run/redis.sock?db=3'],
    [size, '25MB', 25 * 1024 ** 2],
    [size, '64 kb', 65_536],
    [size, '17', 17],
    [count(1, 10), '10', 10],
    [nice, '-5', -5],
    [listen, '127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
    [listen, '[::1]:587', { host: '::1', port: 587 }],
    [listenOrOff, 'off', undefined],
    [flag, 'TRUE', true],
    [domainName, 'Example.COM', 'example.com'],
    [emailAddress, "o'brien+x@example.com", "o'brien+x@example.com"],
    [webUrl, 'https://api.example.com//', 'https://api.example.com'],
    [list, ' a, ,b ', ['a', 'b']],
    [durations, '1s,2m', [1000, 120_000]],
    [oneOf(['a', 'b']), 'b', 'b'],
  ])('%# %s', (shape, text, value) => {
    expect(shape.parse(text)).toEqual(value);
  });
});

describe('shapes refuse, saying what to write,', () => {
  it.each([
    [networks, '10.0.0.0/8,gateway', 'is no list of networks'],
    [redisUrl, 'redis:6379', 'is no address of a Redis'],
    [redisUrl, 'http://redis', 'is no address of a Redis'],
    [redisUrl, 'redis://:secret@redis', 'write it as REDIS_PASSWORD'],
    [duration, '5', /30s, 5m/],
    [duration, '-5s', /30s, 5m/],
    [duration, '36501d', /30s, 5m/],
    [wait, '0s', 'must be from 1ms to 24d'],
    [wait, '25d', 'must be from 1ms to 24d'],
    [wait, 'soon', /30s, 5m/],
    [size, '5 apples', /25MB/],
    [count(1, 10), '11', /from 1 to 10/],
    [count(1, 10), '1e1', /whole number/],
    [count(1, 10), '-1', /whole number/],
    [nice, '20', /from -20 to 19/],
    [nice, 'low', /whole number/],
    [listen, 'off', /cannot be off/],
    [listen, '127.0.0.1:65536', /HOST:PORT/],
    [listen, '587', /HOST:PORT/],
    [flag, 'yes', /neither true nor false/],
    [domainName, 'localhost', /no domain name/],
    [domainName, 'exa mple.com', /no domain name/],
    [domainName, '-a.example.com', /no domain name/],
    [emailAddress, 'ops', /no mail address/],
    [emailAddress, 'ops@localhost', /no mail address/],
    [emailAddress, 'ops@example.com\nBcc: x@example.com', /no mail address/],
    [emailAddress, '$HOME@example.com', /no mail address/],
    [webUrl, 'ftp://example.com', /no URL/],
    [webUrl, 'https://user:canary@example.com', /user name or password/],
    [durations, ' , ', /at least one duration/],
    [oneOf(['a', 'b']), 'c', /one of a, b/],
  ])('%# %s', (shape, text, said) => {
    const message = shape.safeParse(text).error?.issues[0]?.message ?? '';
    expect(message).toMatch(said);
    expect(message).not.toContain('canary');
  });
});

describe('a secret', () => {
  it('that we made is never weak, in a thousand', () => {
    const made = Array.from({ length: 1_000 }, () => systemRandom.secret().reveal());
    expect(made.filter((secret) => weakness(secret) !== undefined)).toEqual([]);
    expect(made.filter((secret) => !/^[A-Za-z0-9_-]{43}$/.test(secret))).toEqual([]);
    expect(new Set(made).size).toBe(1_000);
  });
});

describe('the nearest word', () => {
  it.each([
    ['API_RATE_LIMT', 'API_RATE_LIMIT'],
    ['API_RTAE_LIMIT', 'API_RATE_LIMIT'],
    ['API_RATE', undefined],
    ['', undefined],
  ])('to %s is %s', (written, found) => {
    expect(nearest(written, ['API_RATE_LIMIT', 'API_RATE_PERIOD'])).toBe(found);
  });
});
