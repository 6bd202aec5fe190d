/** Waits for a condition, at most half a minute. */
export async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`it did not come true in time: ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
