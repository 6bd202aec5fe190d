import type { FeedbackReport } from './feedback-report.ts';

interface Copy {
  readonly messageId: string;
  readonly address: string;
  readonly postalToken: string | null;
}

/**
 * The copy that a report is about: the one with Postal's token, else the one to a recipient whom the report names, else the only one.
 * Nobody can name a token or a Message-ID of ours who has not seen the message, so nobody else can silence a recipient.
 */
export function complainedCopy<C extends Copy>(
  { postalToken, recipients }: Pick<FeedbackReport, 'postalToken' | 'recipients'>,
  copies: readonly C[],
): C | undefined {
  const byToken = copies.find((copy) => copy.postalToken !== null && copy.postalToken === postalToken);
  if (byToken) return byToken;
  const named = copies.find(({ address }) => recipients.includes(address.toLowerCase()));
  return named ?? (copies.length === 1 ? copies[0] : undefined);
}
