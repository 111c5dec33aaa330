import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';
import { TotalReporter } from './test/support/total-reporter.ts';

export default defineConfig({
  // What a plugin calls hob/data; it is a package of its own, so it does not find it by itself.
  resolve: { alias: [{ find: /^hob\/([\w-]+)$/, replacement: join(import.meta.dirname, 'src/hooks/$1.ts') }] },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/kubernetes/support/global-setup.ts'],
    setupFiles: ['test/support/environment.ts', 'test/support/safe-kill.ts'],
    sequence: { sequencer: LongestFirst },
    pool: 'forks',
    // Tests wait for containers most of their time, and for the processor the rest.
    maxWorkers: 4,
    execArgv: ['--disable-warning=ExperimentalWarning'],
    // Generous: on a busy machine a slow test must not look like a broken one. Tests wait for events, not for time to pass.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Its own second is nothing to a process that waits for its turn.
    expect: { poll: { timeout: 60_000, interval: 20 } },
    // A test that is left out by `.only` or by a forgotten `.skip` must not pass for one that ran.
    allowOnly: process.env['CI'] === undefined,
    reporters: ['default', new TotalReporter(process.env['HOB_TEST_TOTAL'])],
  },
});
