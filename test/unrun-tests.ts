import type { Reporter, TestModule, Vitest } from 'vitest/node';

const elsewhere = 'not applicable: ';

/**
 * Lists, at the end of a run, every test that did not run and why. Under CI one is enough to fail the run, except where the
 * reason says `not applicable: …` because another kind of user or machine is meant.
 */
export function unrunTests(inCi: boolean, write: (text: string) => void): Reporter {
  let filtered = false;
  return {
    onInit: (vitest: Vitest) => {
      filtered = vitest.config.testNamePattern !== undefined;
    },
    onTestRunEnd: (modules) => {
      const unrun = modules.flatMap((module) => unrunIn(module, filtered));
      if (unrun.length === 0) return;
      write(`\nCould not run (${unrun.length}):\n${byReason(unrun).join('\n')}\n`);
      if (inCi && unrun.some(({ reason }) => !reason.startsWith(elsewhere))) process.exitCode = 1;
    },
  };
}

interface Unrun {
  readonly test: string;
  readonly reason: string;
}

/** What a name pattern left out was not asked for; what a failed hook left out is reported as a failure already. */
function unrunIn(module: TestModule, filtered: boolean): readonly Unrun[] {
  return [...module.children.allTests('skipped')].flatMap((test) => {
    const result = test.result();
    const reason = result.state === 'skipped' ? result.note : undefined;
    if (reason === undefined && (filtered || module.state() === 'failed')) return [];
    return [{ test: `${module.relativeModuleId} > ${test.fullName}`, reason: reason ?? 'no reason given' }];
  });
}

function byReason(unrun: readonly Unrun[]): readonly string[] {
  const reasons = [...new Set(unrun.map(({ reason }) => reason))];
  return reasons.flatMap((reason) => {
    const tests = unrun.filter((one) => one.reason === reason);
    return [`  ${reason}`, ...tests.map(({ test }) => `    ${test}`)];
  });
}
