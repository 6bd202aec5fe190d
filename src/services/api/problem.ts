import { type FailureCode, OperatorError } from '../../domain/failure.ts';

interface Kind {
  readonly status: number;
  readonly title: string;
  /** True where the very same request may succeed later. */
  readonly retryable: boolean;
}

/** Every way a request can fail. Codes are stable: clients may decide on them. */
export const problems = {
  'invalid-json': { status: 400, title: 'The body is no JSON', retryable: false },
  'invalid-encoding': { status: 400, title: 'The body is not UTF-8', retryable: false },
  'too-deep': { status: 400, title: 'The body is nested too deeply', retryable: false },
  'empty-body': { status: 400, title: 'The body is empty', retryable: false },
  'invalid-message': { status: 400, title: 'The body is no RFC 5322 message', retryable: false },
  'invalid-frames': { status: 400, title: 'The body is no sequence of frames', retryable: false },
  'bad-request': { status: 400, title: 'The request cannot be understood', retryable: false },
  'key-missing': { status: 401, title: 'No API key was sent', retryable: false },
  'key-mistyped': { status: 401, title: 'The API key has a typing or copying mistake', retryable: false },
  'key-unknown': { status: 401, title: 'The API key is wrong', retryable: false },
  'key-expired': { status: 401, title: 'The key has expired', retryable: false },
  'key-revoked': { status: 401, title: 'The API key was revoked', retryable: false },
  'token-wrong': { status: 401, title: 'The internal token is wrong', retryable: false },
  'signature-wrong': { status: 403, title: 'The signature is not genuine', retryable: false },
  'key-network': { status: 403, title: 'The API key is not taken from this address', retryable: false },
  'scope-missing': { status: 403, title: 'The API key may not do this', retryable: false },
  'not-found': { status: 404, title: 'There is nothing here', retryable: false },
  'request-timeout': { status: 408, title: 'The request did not arrive in time', retryable: true },
  'idempotency-in-flight': { status: 409, title: 'The same request is being answered', retryable: true },
  'idempotency-mismatch': {
    status: 409,
    title: 'The Idempotency-Key belongs to another request',
    retryable: false,
  },
  'endpoint-stopped': { status: 409, title: 'The endpoint is paused or disabled', retryable: false },
  'too-late': { status: 409, title: 'It is too late for this', retryable: false },
  'too-large': { status: 413, title: 'The body is too large', retryable: false },
  'unsupported-media-type': { status: 415, title: 'The content type is not accepted here', retryable: false },
  'invalid-field': { status: 422, title: 'A field is invalid', retryable: false },
  'too-many-recipients': { status: 422, title: 'The message has too many recipients', retryable: false },
  'sender-unverified': {
    status: 422,
    title: 'Postal has not verified the domain of the sender',
    retryable: false,
  },
  'headers-too-large': { status: 431, title: 'The header fields are too large', retryable: false },
  'rate-limited': { status: 429, title: 'Too many requests', retryable: true },
  'key-rate-limited': { status: 429, title: 'The API key has used up its own rate', retryable: true },
  internal: { status: 500, title: 'The api failed', retryable: true },
  unavailable: { status: 503, title: 'The api cannot serve this now', retryable: true },
} as const satisfies Record<string, Kind>;

export type ProblemCode = keyof typeof problems;

interface ProblemNote {
  /** JSON path of what is wrong, or the name of a header. */
  readonly field?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** Ends a request with an error its client can act on; the request boundary writes it. */
export class ApiProblem extends Error {
  readonly code: ProblemCode;
  readonly field: string | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ProblemCode, detail: string, note: ProblemNote = {}) {
    super(detail, { cause: note.cause });
    this.name = 'ApiProblem';
    this.code = code;
    this.field = note.field;
    this.headers = note.headers ?? {};
  }
}

/** The body of an error (RFC 9457), as `application/problem+json`. */
export function problemDocument({ code, message, field }: ApiProblem, requestId: string) {
  const { status, title, retryable } = problems[code];
  return {
    type: `urn:mailctl:problem:${code}`,
    title,
    status,
    detail: message,
    code,
    ...(field !== undefined && { field }),
    retryable,
    request_id: requestId,
  };
}

/** What a thrown error means to the client; undefined when it is our bug. */
export function problemOf(error: unknown): ApiProblem | undefined {
  if (error instanceof ApiProblem) return error;
  if (error instanceof OperatorError) return ofOperator(error);
  const code = codeOf(error);
  // SQLSTATE class 22: a value that passed our checks and that PostgreSQL cannot hold, such as a NUL.
  if (/^22[0-9A-Z]{3}$/.test(code))
    return new ApiProblem('bad-request', 'The request holds a value that cannot be stored', { cause: error });
  return ofFramework(code, error);
}

const unavailable: Partial<Record<FailureCode, string>> = {
  unreachable: 'The database cannot be used now; nothing is promised',
  'access-denied': 'The database refuses the api; nothing is promised',
  locked: 'The database is busy with something else; nothing is promised',
  'timed-out': 'The database did not answer in time; nothing is promised',
};

function ofOperator(error: OperatorError): ApiProblem | undefined {
  const detail = unavailable[error.code];
  if (detail === undefined) return undefined;
  return new ApiProblem('unavailable', detail, { headers: { 'retry-after': '5' }, cause: error });
}

function ofFramework(code: string, error: unknown): ApiProblem | undefined {
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new ApiProblem('too-large', 'The body is larger than this endpoint accepts');
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new ApiProblem('unsupported-media-type', 'Send a content type that the documentation names', {
        field: 'content-type',
      });
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return new ApiProblem('empty-body', 'The request needs a body');
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new ApiProblem('bad-request', 'Content-Length does not fit the body', {
        field: 'content-length',
      });
    case 'FST_ERR_BAD_URL':
      return new ApiProblem('bad-request', 'The path cannot be decoded');
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new ApiProblem('not-found', 'No part of a path is as long');
    default:
      return isClientError(error)
        ? new ApiProblem('bad-request', 'The request cannot be understood', { cause: error })
        : undefined;
  }
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

function isClientError(error: unknown): error is Error {
  return error instanceof Error && 'statusCode' in error && Number(error.statusCode) < 500;
}
