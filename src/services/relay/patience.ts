/** How long a client may take, in milliseconds. */
export interface Patience {
  readonly handshakeMs: number;
  readonly loginMs: number;
  readonly idleMs: number;
  readonly dataMs: number;
  readonly sessionMs: number;
  readonly lingerMs: number;
}

/** What a connection waits for, and for how long already. */
export interface Waiting {
  readonly for: 'handshake' | 'command' | 'data' | 'us' | 'goodbye';
  readonly isLoggedIn: boolean;
  readonly ageMs: number;
  /** Since the last whole command, or since DATA was answered. */
  readonly stageMs: number;
  /** Since the last octet. */
  readonly silentMs: number;
}

/**
 * What is to be done about a slow client. Only whole commands count as progress, so that an octet a minute does not keep a
 * connection open; a message may take its own time, as long as octets come.
 */
export function judgePatience(waiting: Waiting, patience: Patience): 'wait' | 'tell' | 'drop' {
  switch (waiting.for) {
    case 'us':
      return 'wait';
    case 'goodbye':
      return waiting.stageMs > patience.lingerMs ? 'drop' : 'wait';
    case 'handshake':
      return waiting.stageMs > patience.handshakeMs ? 'drop' : 'wait';
    case 'data':
      return waiting.stageMs > patience.dataMs || waiting.silentMs > patience.idleMs ? 'tell' : 'wait';
    case 'command':
      return isOverdue(waiting, patience) ? 'tell' : 'wait';
  }
}

function isOverdue(
  { isLoggedIn, ageMs, stageMs }: Waiting,
  { loginMs, idleMs, sessionMs }: Patience,
): boolean {
  return stageMs > idleMs || ageMs > sessionMs || (!isLoggedIn && ageMs > loginMs);
}
