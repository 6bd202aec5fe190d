import { formatDuration, parseDuration } from './duration.ts';

/** Messages that may be sent in every `periodMs`. */
export interface MessageRate {
  readonly messages: number;
  readonly periodMs: number;
}

/** Reads `100/1h`, and `100/h` as the same; undefined when it is no rate. */
export function parseMessageRate(text: string): MessageRate | undefined {
  const [, messages = '', period = ''] = /^([1-9]\d{0,8})\/(\S+)$/.exec(text.trim()) ?? [];
  const periodMs = parseDuration(/^\d/.test(period) ? period : `1${period}`);
  return messages === '' || !periodMs ? undefined : { messages: Number(messages), periodMs };
}

/** The text of a rate: `100/1h`. */
export function formatMessageRate({ messages, periodMs }: MessageRate): string {
  return `${messages}/${formatDuration(periodMs)}`;
}
