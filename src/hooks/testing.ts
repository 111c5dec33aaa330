/**
 * `hob/testing`: tries a plugin without containers, and without a hob, with node:test or any other test runner. The plugin is called
 * as hob calls it (checks at load, order, time limits, what a start state takes), with folders of its own that go with the test.
 *
 * ```js
 * await using bench = await testPlugin(plugin);
 * const { env } = await bench.postConstruction({ id: 'web', data: { greeting: 'good day' } });
 * ```
 */

import { extname, resolve } from 'node:path';
import { loadExecutable } from './executable-plugin.ts';
import { inProcessPlugin } from './in-process.ts';
import { makePlugin } from './make-plugin.ts';
import { moduleEnvironment } from './module-environment.ts';
import type { HookLog } from './registered-plugin.ts';
import { benchOf } from './testing/bench.ts';
import type { PluginBench, Testable, TestOptions } from './testing/contract.ts';
import { runProcess } from './testing/run-process.ts';
import { localUtilities, openWorkshop } from './testing/workshop.ts';

export type { PluginBench, Testable, TestCall, TestOptions, TestResult } from './testing/contract.ts';

const LOAD_LIMIT_MS = 5_000;
const moduleEndings = ['.mjs', '.js', '.ts'];

/** Load a plugin as hob does. Rejects with an Error that says why hob could not use it. */
export async function testPlugin(subject: Testable, options: TestOptions = {}): Promise<PluginBench> {
  const logged: string[] = [];
  const log = logInto(logged);
  const path = resolve(typeof subject === 'string' ? subject : '.');
  const workshop = openWorkshop(path);
  const { setting } = workshop;
  const environment = { ...moduleEnvironment(setting.stateDir, setting.surroundings), ...options.environment };
  const utilities = localUtilities(setting);
  // Modules may ask for it in this way as well.
  process.env['HOB_PLUGIN_STATE_DIR'] = setting.stateDir;
  try {
    if (moduleEndings.includes(extname(path)))
      throw new Error(`${path} is a module: import it, and hand over its default export`);
    const plugin =
      typeof subject === 'string'
        ? await loadExecutable({ ...setting, version: 'under test', run: runProcess, log, loadLimitMs: LOAD_LIMIT_MS })
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
