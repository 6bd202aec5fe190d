/** Waits for a condition, at most a minute; `seen` tells what stood in its way. */
export async function until(
  holds: () => Promise<boolean> | boolean,
  seen: () => string = () => '',
): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await holds())) {
    if (performance.now() > deadline)
      throw new Error(`it did not come true in time: ${holds.toString()}\n${seen()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
