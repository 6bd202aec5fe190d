import { S3Error, S3mini, S3ServiceError } from 's3mini';

import { OperatorError } from '../domain/failure.ts';
import type { Secret } from '../domain/secret.ts';

/** A piece that arrived, with the tag by which the storage knows it. */
export interface SentPart {
  readonly number: number;
  readonly tag: string;
}

/** A bucket. Every method throws `unreachable` when the storage does not answer, `access-denied` when it refuses us. */
export interface ObjectStore {
  /** Octets of an object; undefined when there is none. */
  size(key: string): Promise<number | undefined>;
  read(key: string): AsyncIterable<Uint8Array>;
  /** Begins an object that is sent in pieces, and names the upload. */
  begin(key: string): Promise<string>;
  /** The tag of a piece that arrived; undefined where the storage knows no such upload any more. */
  sendPart(
    key: string,
    part: { readonly upload: string; readonly number: number; readonly bytes: Buffer },
  ): Promise<string | undefined>;
  /** Makes the object out of its pieces. False where the storage knows no such upload any more. */
  complete(
    key: string,
    whole: { readonly upload: string; readonly parts: readonly SentPart[] },
  ): Promise<boolean>;
}

interface ObjectStoreAddress {
  /** With the bucket: `https://HOST/BUCKET`. */
  readonly url: string;
  readonly region: string;
  readonly keyId: string;
  readonly secret: Secret;
  readonly timeoutMs: number;
}

/** A bucket of S3-compatible storage; connects when it is asked. */
export function objectStoreAt({ url, region, keyId, secret, timeoutMs }: ObjectStoreAddress): ObjectStore {
  const bucket = new S3mini({
    endpoint: url,
    region,
    accessKeyId: keyId,
    secretAccessKey: secret.reveal(),
    requestAbortTimeout: timeoutMs,
  });
  const asked = async <T>(work: Promise<T>): Promise<T> =>
    work.catch((cause: unknown) => {
      throw described(cause, url);
    });
  return {
    size: async (key) => {
      const exists = await asked(bucket.objectExists(key));
      return exists === true ? asked(bucket.getContentLength(key)) : undefined;
    },
    read: (key) => readObject(bucket, { key, url }),
    begin: (key) => asked(bucket.getMultipartUploadId(key)),
    sendPart: async (key, { upload, number, bytes }) =>
      (await asked(ifKnown(bucket.uploadPart(key, upload, bytes, number))))?.etag,
    complete: async (key, { upload, parts }) => {
      const ordered = parts.map(({ number: partNumber, tag: etag }) => ({ partNumber, etag }));
      return (await asked(ifKnown(bucket.completeMultipartUpload(key, upload, ordered)))) !== undefined;
    },
  };
}

/** An answer can be cut off in its middle too. */
async function* readObject(
  bucket: S3mini,
  { key, url }: { readonly key: string; readonly url: string },
): AsyncIterable<Uint8Array> {
  try {
    const response = await bucket.getObjectResponse(key);
    if (!response?.body) throw new TypeError(`${key} was there a moment ago`);
    yield* response.body as unknown as AsyncIterable<Uint8Array>;
  } catch (cause) {
    throw described(cause, url);
  }
}

/** Undefined where the storage has forgotten the upload. It is not asked beforehand: few credentials may list uploads. */
async function ifKnown<T>(work: Promise<T>): Promise<T | undefined> {
  return work.catch((cause: unknown) => {
    if (cause instanceof S3ServiceError && cause.status === 404) return undefined;
    throw cause;
  });
}

function described(cause: unknown, url: string): unknown {
  if (cause instanceof OperatorError || !(cause instanceof Error)) return cause;
  const status = cause instanceof S3ServiceError ? cause.status : 0;
  if (status === 401 || status === 403) {
    return new OperatorError('access-denied', `the storage at ${new URL(url).host} refused us`, {
      hint: 'Check BACKUP_S3_KEY_ID, BACKUP_S3_SECRET and what they may do in the bucket',
      field: 'BACKUP_S3_KEY_ID',
    });
  }
  if (
    !(cause instanceof S3Error) &&
    !/fetch|abort|network|timeout|terminated/i.test(`${cause.name} ${cause.message}`)
  )
    return cause;
  return new OperatorError(
    'unreachable',
    `the storage at ${new URL(url).host} does not answer as it should${status === 0 ? '' : ` (${status})`}`,
    {
      hint: 'Run it again: what arrived need not be sent again',
      field: 'BACKUP_S3_URL',
    },
  );
}
