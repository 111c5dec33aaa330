/**
 * `hob/testing`: tries a plugin without containers, and without a hob, with node:test or any other test runner. The plugin is called
 * as hob calls it (checks at load, order, time limits, what a start state takes), with folders of its own that go with the test.
 *
 * ```js
 * await using bench = await testPlugin(plugin);
 * const { env } = await bench.postConstruction({ id: 'web', data: { greeting: 'good day' } });
 * ```
 */

import { dirname, resolve } from 'node:path';
import { loadExecutable } from './executable-plugin.ts';
import { makePlugin } from './module/make-plugin.ts';
import { moduleEnvironment } from './module/environment.ts';
import { readManifest } from './registry/manifest.ts';
import type { HookLog } from './registered-plugin.ts';
import { benchOf } from './testing/bench.ts';
import type { Testable, TestedPlugin, TestOptions } from './testing/contract.ts';
import { inProcessPlugin } from './testing/in-process.ts';
import { runLocally } from './testing/run-locally.ts';
import { callingFile, programAt } from './testing/subject.ts';
import { localUtilities, openWorkshop } from './testing/workshop.ts';

export type { Testable, TestCall, TestedPlugin, TestOptions, TestResult } from './testing/contract.ts';

const LOAD_LIMIT_MS = 5_000;

/** Load a plugin as hob does. Rejects with an Error that says why hob could not use it. */
export async function testPlugin(subject: Testable, options: TestOptions = {}): Promise<TestedPlugin> {
  const logged: string[] = [];
  const log = logInto(logged);
  const path = typeof subject === 'string' ? await programAt(resolve(subject)) : callingFile();
  const { environment: passedOn } = await readManifest(dirname(path));
  const workshop = openWorkshop(path, passedOn);
  const { setting } = workshop;
  const environment = { ...moduleEnvironment(setting.stateDir, setting.surroundings), ...options.environment };
  const utilities = localUtilities(setting);
  try {
    const plugin =
      typeof subject === 'string'
        ? await loadExecutable({ ...setting, version: 'under test', run: runLocally, log, loadLimitMs: LOAD_LIMIT_MS })
        : inProcessPlugin(await makePlugin(subject, environment, utilities), (why) => void logged.push(why));
    return benchOf(plugin, { workshop, environment, utilities, log, logged });
  } catch (error) {
    workshop.remove();
    throw error;
  }
}

function logInto(lines: string[]): HookLog {
  const add = (_fields: object, message: string): void => void lines.push(message);
  return { debug: add, info: add, warn: add, error: add };
}
