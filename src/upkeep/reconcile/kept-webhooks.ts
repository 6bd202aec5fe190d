import { meaning } from '../../domain/postal-event.ts';
import type { KeptWebhook } from '../../domain/reconciliation.ts';
import type { HistoryRow } from '../../store/postal/webhook-history.ts';
import { postalWebhook } from '../postal-webhook-shape.ts';

/** What a webhook of Postal's history told, by the id of the message it is about; undefined for what is not ours to count. */
export function keptWebhook(
  row: HistoryRow,
): { readonly id: number; readonly webhook: KeptWebhook } | undefined {
  const { uuid, event, payload, timestamp } = row;
  const parsed = postalWebhook.safeParse({ uuid, event, timestamp, payload: parsedJson(payload) });
  if (!parsed.success) return undefined;
  const read = meaning(parsed.data);
  if (read.is !== 'event') return undefined;
  const { kind, at, detail, message } = read;
  return { id: message.id, webhook: { uuid, kind, at, detail } };
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Postal cuts nothing off, so this is a row that something else wrote: its event is found in its own table.
    return undefined;
  }
}
