import { systemClock } from '../../src/adapters/clock.ts';

/** Waits until a condition holds; fails with what it saw last when it does not in time. */
export async function until<T>(
  look: () => Promise<T> | T,
  holds: (seen: T) => boolean,
  withinMs = 15_000,
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (holds(seen)) return seen;
    if (performance.now() > deadline) throw new Error(`never came true; last seen: ${JSON.stringify(seen)}`);
    await systemClock.sleep(10);
  }
}
