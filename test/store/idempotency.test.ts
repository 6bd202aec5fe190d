import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { forgetAnswers, keepAnswer, lookUpRequest } from '../../src/store/idempotency.ts';
import { type TestDatabase, testDatabase } from '../engines/postgres.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

const at = new Date('2026-03-01T12:00:00Z');
const before = new Date('2026-03-01T11:00:00Z');
const answer = { at, status: 202, response: { id: 'msg_1' } };

function request(key: string, digest = 'one') {
  return { credentialId: 'mk_1', key, digest: Buffer.from(digest) };
}

function lookUp(asked: ReturnType<typeof request>, since = before) {
  return database.db.transaction((within) => lookUpRequest(within, asked, since));
}

async function answered(key: string): Promise<void> {
  await database.db.transaction(async (within) => {
    await lookUpRequest(within, request(key), before);
    await keepAnswer(within, request(key), answer);
  });
}

describe('a named request', () => {
  it('is new at first, and later has the answer it was given', async () => {
    expect(await lookUp(request('a'))).toEqual({ kind: 'new' });
    await answered('a');
    expect(await lookUp(request('a'))).toEqual({ kind: 'answered', status: 202, response: { id: 'msg_1' } });
  });

  it('is another one when it says something else', async () => {
    await answered('b');
    expect(await lookUp(request('b', 'two'))).toEqual({ kind: 'other-request' });
  });

  it('of another sender has nothing to do with it', async () => {
    await answered('c');
    expect(await lookUp({ ...request('c'), credentialId: 'mk_2' })).toEqual({ kind: 'new' });
  });

  it('is in flight exactly as long as the transaction that works on it', async () => {
    await database.db.transaction(async (within) => {
      expect(await lookUpRequest(within, request('d'), before)).toEqual({ kind: 'new' });
      expect(await lookUp(request('d'))).toEqual({ kind: 'in-flight' });
      expect(await lookUp(request('e'))).toEqual({ kind: 'new' });
    });
    expect(await lookUp(request('d'))).toEqual({ kind: 'new' });
  });

  it('leaves nothing behind when its work fails', async () => {
    const crash = database.db.transaction(async (within) => {
      await lookUpRequest(within, request('f'), before);
      await keepAnswer(within, request('f'), answer);
      throw new Error('crashed');
    });
    await expect(crash).rejects.toThrow('crashed');
    expect(await lookUp(request('f'))).toEqual({ kind: 'new' });
  });

  it('is new again after the window, and its answer is replaced', async () => {
    await answered('g');
    expect(await lookUp(request('g', 'two'), at)).toEqual({ kind: 'new' });
    const later = new Date(at.getTime() + 1);
    await keepAnswer(database.db, request('g', 'two'), { ...answer, at: later });
    expect(await lookUp(request('g', 'two'), at)).toMatchObject({ kind: 'answered' });
  });

  it('is forgotten', async () => {
    await answered('h');
    expect(await forgetAnswers(database.db, at)).toBeGreaterThan(0);
    expect(await lookUp(request('h'))).toEqual({ kind: 'new' });
  });
});
