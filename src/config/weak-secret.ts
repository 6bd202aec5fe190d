const leastLength = 20;
const leastVariety = 8;

const wellKnown =
  /change.?me|changeit|placeholder|password|passw0rd|replace.?(me|this)|your.?(secret|password|key|token)|example|insecure|default.?secret|qwerty|letmein|1234567|deadbeef/i;

/** Why a secret must not reach production, or undefined when it may. Never repeats the value. */
export function weakness(secret: string): string | undefined {
  if (wellKnown.test(secret) || /^<.*>$/.test(secret)) return 'is a placeholder or a well-known word';
  if (secret.length < leastLength) return `is shorter than ${leastLength} characters`;
  if (new Set(secret).size < leastVariety) return 'repeats the same few characters';
  return undefined;
}
