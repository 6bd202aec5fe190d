import type { Reporter, TestModule, Vitest } from 'vitest/node';

/** Lists, at the end of a run, every test that did not run and why; under CI one is enough to fail the run. */
export function unrunTests(inCi: boolean, write: (text: string) => void): Reporter {
  let filtered = false;
  return {
    onInit: (vitest: Vitest) => {
      filtered = vitest.config.testNamePattern !== undefined;
    },
    onTestRunEnd: (modules) => {
      const lines = modules.flatMap((module) => unrunIn(module, filtered));
      if (lines.length === 0) return;
      write(`\nCould not run (${lines.length}):\n${lines.join('\n')}\n`);
      if (inCi) process.exitCode = 1;
    },
  };
}

/** With a name pattern, what it left out was not asked for. */
function unrunIn(module: TestModule, filtered: boolean): readonly string[] {
  return [...module.children.allTests('skipped')].flatMap((test) => {
    const result = test.result();
    const reason = result.state === 'skipped' ? result.note : undefined;
    if (reason === undefined && filtered) return [];
    return [`  ${module.relativeModuleId} > ${test.fullName}: ${reason ?? 'skipped without a reason'}`];
  });
}
