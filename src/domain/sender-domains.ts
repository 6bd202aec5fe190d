/** From where Postal lets mail be sent. */
export interface SenderDomains {
  /** Verified domains in lower case; each stands for itself, not for those below it. */
  readonly names: ReadonlySet<string>;
  /** A verified domain answers for any other one (`use_for_any`). */
  readonly any: boolean;
  /** A verified Sender answers for any From (`allow_sender`). */
  readonly senderSuffices: boolean;
}

/** The domains, in lower case, that the From and Sender fields of a message name. */
export interface ClaimedDomains {
  readonly authors: readonly string[];
  readonly senders: readonly string[];
}

/**
 * The first domain in From or Sender that Postal has not verified; undefined where the message may go. Postal itself reads Sender only where
 * that suffices; one that is not verified is refused anyway.
 */
export function unverifiedDomain(
  { authors, senders }: ClaimedDomains,
  { names, any, senderSuffices }: SenderDomains,
): string | undefined {
  if (any) return undefined;
  const judged = senderSuffices && senders.length > 0 ? senders : [...authors, ...senders];
  return judged.find((domain) => !names.has(domain));
}
