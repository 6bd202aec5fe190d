/** A time of every day in UTC, in minutes after midnight; it may pass midnight. */
export interface DailyWindow {
  readonly from: number;
  readonly to: number;
}

/** The window that `02:50-03:30` names; undefined for any other text. */
export function parseDailyWindow(text: string): DailyWindow | undefined {
  const match = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/.exec(text.trim());
  if (!match) return undefined;
  const [fromHour = 0, fromMinute = 0, toHour = 0, toMinute = 0] = match.slice(1).map(Number);
  return { from: fromHour * 60 + fromMinute, to: toHour * 60 + toMinute };
}

const dayMinutes = 1440;
const minuteMs = 60_000;

/** When the window that `start` + `lastsMs` touches ends; undefined when it touches none. */
export function endOfTouched({ from, to }: DailyWindow, start: Date, lastsMs: number): Date | undefined {
  const length = (to - from + dayMinutes) % dayMinutes;
  const midnight = Date.UTC(start.getUTCFullYear(), start.getUTCMonth(), start.getUTCDate());
  const days = [-1, 0, 1].map((day) => midnight + (day * dayMinutes + from) * minuteMs);
  const opens = days.find(
    (open) => open <= start.getTime() + lastsMs && start.getTime() < open + length * minuteMs,
  );
  return opens === undefined ? undefined : new Date(opens + length * minuteMs);
}
