// A clock that steps: each SIGUSR2 puts the date of this process an hour forward or back. What measures time goes on as it was.
const hourMs = 3_600_000;
const steps = [hourMs, -hourMs, -hourMs, hourMs];
const SystemDate = Date;
let offsetMs = 0;
let taken = 0;

process.on('SIGUSR2', () => {
  offsetMs += steps[taken % steps.length] ?? 0;
  taken += 1;
  globalThis.Date = SteppedDate;
});

// Takes the place of the real one at the first step only: what is measured without any pays nothing for it.
const SteppedDate = new Proxy(SystemDate, {
  construct: (target, given: [number?], newTarget) =>
    Reflect.construct(target, given.length > 0 ? given : [target.now() + offsetMs], newTarget) as Date,
  get: (target, name) => (name === 'now' ? () => target.now() + offsetMs : Reflect.get(target, name)),
});
