const written = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;

/** The time that a text such as `2026-01-31T12:00:00Z` names (RFC 3339 §5.6); undefined for any other text, also for a 30th of February. */
export function parseTime(text: string): Date | undefined {
  const time = new Date(text);
  if (!written.test(text) || Number.isNaN(time.getTime())) return undefined;
  const day = text.slice(0, 10);
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day) ? time : undefined;
}
