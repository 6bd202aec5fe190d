import { maskAddresses } from '../../domain/address.ts';
import { Secret } from '../../domain/secret.ts';

/** A line as it may be shown: without any secret of the configuration, addresses masked. */
export function redact(line: string, config: Readonly<Record<string, unknown>>): string {
  const secrets = Object.values(config).flatMap((value) => (value instanceof Secret ? [value.reveal()] : []));
  const clean = secrets
    .filter((secret) => secret.length >= 8)
    .reduce((text, secret) => text.replaceAll(secret, '[secret]'), line);
  return maskAddresses(clean);
}
