import { pino } from 'pino';

import { maskAddresses } from '../domain/address.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Structured fields of a line. Addresses in them are masked, secrets print as `[secret]`. */
export type LogFields = Readonly<Record<string, unknown>>;

/** One JSON object a line: `time`, `level`, `service`, `msg`, and the fields. */
export interface Log {
  /** Its fields are only made when the line is written: these lines are many, and mostly not wanted. */
  debug(msg: string, fields?: LogFields | (() => LogFields)): void;
  info(msg: string, fields?: LogFields): void;
  warn(msg: string, fields?: LogFields): void;
  error(msg: string, fields?: LogFields): void;
  /** The same log with fields that stand in every line. */
  with(fields: LogFields): Log;
}

/** A log of `service` that writes lines to `sink`, from `level` on. */
export function openLog(service: string, level: LogLevel, sink: { write(line: string): void }): Log {
  const options = {
    level,
    base: { service },
    timestamp: openTimestamps(),
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return wrap(pino(options, sink), {});
}

/** Many lines are written within a millisecond, and to write a date takes longer than the rest of a short line. */
function openTimestamps(): () => string {
  let [at, text] = [Number.NaN, ''];
  return () => {
    const now = Date.now();
    if (now !== at) [at, text] = [now, `,"time":"${new Date(now).toISOString()}"`];
    return text;
  };
}

/** Keeps nothing: for tests and for code that runs without an audience. */
export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  with: () => silentLog,
};

type Sink = Record<LogLevel, (fields: object, msg: string) => void> & {
  isLevelEnabled(level: LogLevel): boolean;
};

function wrap(sink: Sink, standing: LogFields): Log {
  const isBare = Object.keys(standing).length === 0;
  const withStanding = (fields: LogFields) => (isBare ? fields : { ...standing, ...fields });
  const line =
    (level: LogLevel) =>
    (msg: string, fields: LogFields | (() => LogFields) = {}) => {
      if (!sink.isLevelEnabled(level)) return;
      const told = typeof fields === 'function' ? fields() : fields;
      sink[level](masked(withStanding(told)) as object, maskAddresses(msg));
    };
  return {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    with: (fields) => wrap(sink, { ...standing, ...fields }),
  };
}

function masked(value: unknown): unknown {
  if (typeof value === 'string') return maskAddresses(value);
  if (value instanceof Error) return describeError(value);
  if (Array.isArray(value)) return value.map(masked);
  if (!isPlain(value)) return value;
  const fields: Record<string, unknown> = {};
  for (const name of Object.keys(value)) fields[name] = masked(value[name]);
  return fields;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function describeError(error: Error): LogFields {
  const cause = error.cause instanceof Error ? { cause: maskAddresses(error.cause.message) } : {};
  return {
    type: error.name,
    message: maskAddresses(error.message),
    stack: maskAddresses(error.stack ?? ''),
    ...cause,
  };
}
