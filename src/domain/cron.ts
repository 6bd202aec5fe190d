/** When something is due, in UTC: a five-field cron expression, each field as the numbers it allows. */
export interface Cron {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly days: readonly number[];
  readonly months: readonly number[];
  /** 0 is Sunday. */
  readonly weekdays: readonly number[];
}

const bounds = {
  minutes: [0, 59],
  hours: [0, 23],
  days: [1, 31],
  months: [1, 12],
  weekdays: [0, 7],
} as const satisfies Record<keyof Cron, readonly [number, number]>;

const fields = Object.keys(bounds) as (keyof Cron)[];
const dayMs = 86_400_000;
/** The longest wait of any expression: from one 29 February to the next around 2100. */
const mostDays = 8 * 366 + 1;

/**
 * Reads `minute hour day month weekday` of numbers, `*`, lists, ranges and steps. Returns what is wrong as a text. Restricting the
 * day of the month and the weekday at once is refused: cron runs on either, systemd and node-cron on both.
 */
export function parseCron(text: string): Cron | string {
  const words = text.trim().split(/\s+/);
  if (words.length !== fields.length)
    return 'is no cron expression of five fields: write for example 30 4 * * 0';
  const read = new Map<keyof Cron, readonly number[]>();
  for (const [index, name] of fields.entries()) {
    const word = words[index] ?? '';
    const numbers = parseField(word, bounds[name]);
    if (!numbers) return `holds "${word}", which is no field of one: write numbers, *, 1-5, 1,3 or */15`;
    read.set(name, numbers);
  }
  return refused(cronOf(read)) ?? cronOf(read);
}

function cronOf(read: ReadonlyMap<keyof Cron, readonly number[]>): Cron {
  const of = (name: keyof Cron) => read.get(name) ?? [];
  const weekdays = [...new Set(of('weekdays').map((day) => day % 7))].toSorted(ascending);
  return { minutes: of('minutes'), hours: of('hours'), days: of('days'), months: of('months'), weekdays };
}

function refused(cron: Cron): string | undefined {
  if (cron.days.length < 31 && cron.weekdays.length < 7)
    return 'restricts both the day of the month and the weekday, which programs read differently; keep one';
  return search(cron, new Date(0), 1) ? undefined : 'names a day that never comes';
}

/** The first time it is due after `at`. */
export function nextAfter(cron: Cron, at: Date): Date {
  const from = new Date(Math.floor(at.getTime() / 60_000) * 60_000 + 60_000);
  return search(cron, from, 1) ?? neverDue();
}

/** The last time it was due, up to and including `at`. */
export function lastUpTo(cron: Cron, at: Date): Date {
  return search(cron, new Date(Math.floor(at.getTime() / 60_000) * 60_000), -1) ?? neverDue();
}

const weekdayNames = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** The same as systemd's calendar events write it (systemd.time(7)), in UTC. */
export function asCalendarEvent(cron: Cron): string {
  const days =
    cron.weekdays.length === 7 ? '' : `${cron.weekdays.map((day) => weekdayNames[day]).join(',')} `;
  const date = `*-${calendarList(cron.months, 12)}-${calendarList(cron.days, 31)}`;
  return `${days}${date} ${calendarList(cron.hours, 24)}:${calendarList(cron.minutes, 60)}:00 UTC`;
}

function calendarList(numbers: readonly number[], all: number): string {
  return numbers.length === all ? '*' : numbers.map((number) => String(number).padStart(2, '0')).join(',');
}

function parseField(word: string, within: readonly [number, number]): readonly number[] | undefined {
  const parts = word.split(',').map((part) => parsePart(part, within));
  if (parts.some((part) => part === undefined)) return undefined;
  return [...new Set(parts.flatMap((part) => part ?? []))].toSorted(ascending);
}

const partPattern = /^(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:\/(\d{1,2}))?$/;

function parsePart(part: string, [least, most]: readonly [number, number]): readonly number[] | undefined {
  const match = partPattern.exec(part);
  if (!match) return undefined;
  const [, first = String(least), last, step] = match;
  const isSingle = match[1] !== undefined && step === undefined;
  const from = Number(first);
  const to = Number(last ?? (isSingle ? from : most));
  return from < least || to > most ? undefined : everyNth(from, to, Number(step ?? 1));
}

function everyNth(from: number, to: number, by: number): readonly number[] | undefined {
  if (from > to || by < 1) return undefined;
  return Array.from({ length: Math.floor((to - from) / by) + 1 }, (_, index) => from + index * by);
}

/** Day by day, and within the right day to the nearest minute. */
function search(cron: Cron, from: Date, direction: 1 | -1): Date | undefined {
  const day = Math.floor(from.getTime() / dayMs);
  for (let passed = 0; passed < mostDays; passed += 1) {
    const start = (day + passed * direction) * dayMs;
    if (!isRightDay(cron, new Date(start))) continue;
    const found = inDay(cron, start, from.getTime(), direction);
    if (found !== undefined) return new Date(found);
  }
  return undefined;
}

function isRightDay({ days, months, weekdays }: Cron, day: Date): boolean {
  return (
    months.includes(day.getUTCMonth() + 1) &&
    days.includes(day.getUTCDate()) &&
    weekdays.includes(day.getUTCDay())
  );
}

function inDay(
  { hours, minutes }: Cron,
  startMs: number,
  fromMs: number,
  direction: 1 | -1,
): number | undefined {
  const all = hours.flatMap((hour) => minutes.map((minute) => startMs + (hour * 60 + minute) * 60_000));
  return direction === 1 ? all.find((ms) => ms >= fromMs) : all.findLast((ms) => ms <= fromMs);
}

function ascending(one: number, other: number): number {
  return one - other;
}

function neverDue(): never {
  throw new RangeError('a cron expression that is never due was not refused');
}
