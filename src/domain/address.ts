/** An address as logs may show it: `user@example.com` is `u***@example.com`. */
export function maskAddress(address: string): string {
  const at = address.lastIndexOf('@');
  if (at < 0) return address === '' ? '<>' : `${address.slice(0, 1)}***`;
  return `${address.slice(0, 1)}***${address.slice(at)}`;
}

/** Masks every address found in a free text, such as a remote server's reply. */
export function maskAddresses(text: string): string {
  if (!text.includes('@')) return text;
  return text.replaceAll(/[^\s<>"'(),;:@]+@[^\s<>"'(),;:]+/g, maskAddress);
}

/** The domain of an address in lower case; empty for the null reverse-path. */
export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1).toLowerCase();
}

const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const labels = new RegExp(`^${label}(?:\\.${label})+$`, 'i');

/** A host name of at least two labels (RFC 1123 §2.1), 253 octets at most. */
export function isDomainName(text: string): boolean {
  return text.length <= 253 && labels.test(text);
}
