import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';

/** Writes `N passed, N failed` to a file at the end of a run. A test that did not run counts as failed, and so does what fails outside of tests. */
export class TotalReporter implements Reporter {
  readonly #path: string | undefined;

  /** @param path where to; undefined: nowhere */
  constructor(path: string | undefined) {
    this.#path = path;
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    if (this.#path !== undefined) writeFileSync(this.#path, `${total(modules, unhandledErrors.length)}\n`);
  }
}

function total(modules: readonly TestModule[], failedOutsideOfFiles: number): string {
  const tests = modules.flatMap((module) => [...module.children.allTests()]);
  const passed = tests.filter((test) => test.result().state === 'passed').length;
  return `${passed} passed, ${tests.length - passed + filesWithErrors(modules) + failedOutsideOfFiles} failed`;
}

/** Files and suites that failed beside their tests: they could not be loaded, or a hook of theirs threw. */
function filesWithErrors(modules: readonly TestModule[]): number {
  const suites = modules.flatMap((module) => [module, ...module.children.allSuites()]);
  return suites.filter((suite) => suite.errors().length > 0).length;
}
