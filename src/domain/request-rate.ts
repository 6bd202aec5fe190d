import { formatMessageRate, parseMessageRate } from './message-rate.ts';
import type { RatePolicy } from './rate-limit.ts';

/** Requests that may be made in every `periodMs`. */
export interface RequestRate {
  readonly requests: number;
  readonly periodMs: number;
}

/** Reads `100/1m`, and `100/m` as the same; undefined when it is no rate. */
export function parseRequestRate(text: string): RequestRate | undefined {
  const rate = parseMessageRate(text);
  return rate && { requests: rate.messages, periodMs: rate.periodMs };
}

/** The text of a rate: `100/1m`. */
export function formatRequestRate({ requests, periodMs }: RequestRate): string {
  return formatMessageRate({ messages: requests, periodMs });
}

/** The whole rate may be used at once, and grows back evenly. */
export function ratePolicyOf({ requests, periodMs }: RequestRate): RatePolicy {
  return { limit: requests, periodMs, burst: requests - 1 };
}
