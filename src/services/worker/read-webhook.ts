import { type Meaning, meaning } from '../../domain/postal-event.ts';
import { postalWebhook } from '../../upkeep/postal-webhook-shape.ts';

/** What reading one stored webhook gives: its meaning, or why it is set aside for the operator. */
export type Reading = Meaning | { readonly is: 'odd'; readonly why: string };

/** Reads the body of one of Postal's webhooks. An event later than `latest` is odd: it would outrank every true one. */
export function readWebhook(body: Buffer, latest: Date): Reading {
  const json = parseJson(body);
  if (json === undefined) return odd('its body is no JSON');
  const parsed = postalWebhook.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return odd(`it is not as Postal writes it: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`);
  }
  const read = meaning(parsed.data);
  if (read.is === 'event' && read.at > latest)
    return odd(`its time lies in the future: ${read.at.toISOString()}`);
  return read;
}

function odd(why: string): Reading {
  return { is: 'odd', why: why.slice(0, 300) };
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
