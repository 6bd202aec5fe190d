/** A message that is composed once and differs from sending to sending in its Message-ID alone. */
export interface LoadMessage {
  /** The end of data is part of them. */
  readonly octets: Buffer;
  /** Writes the number that makes its Message-ID its own. */
  number(value: number): void;
}

const numberDigits = 10;

/** A message of so many octets, its end included. */
export function composeMessage(name: string, bytes: number): LoadMessage {
  const beforeNumber = `From: <ann@example.com>\r\nTo: <bob@example.org>\r\nSubject: A load\r\nDate: Mon, 02 Mar 2026 10:00:00 +0000\r\nMessage-ID: <${name}-`;
  const head = `${beforeNumber}${'0'.repeat(numberDigits)}@example.com>\r\n\r\n`;
  const line = `${'x'.repeat(70)}\r\n`;
  const body = line.repeat(Math.ceil(bytes / line.length)).slice(0, bytes - head.length - 5);
  const octets = Buffer.from(`${head}${body}\r\n.\r\n`, 'latin1');
  return {
    octets,
    number: (value) => {
      octets.write(String(value).padStart(numberDigits, '0'), beforeNumber.length, 'latin1');
    },
  };
}
