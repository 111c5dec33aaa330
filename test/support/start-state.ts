import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runsForever, type TestHob, untilTrue } from './hob.ts';
import { callOf, putTraced, untilHook } from './traced-plugins.ts';

interface OciConfig {
  readonly process: { readonly env: readonly string[] };
  readonly mounts: readonly {
    readonly source?: string;
    readonly destination: string;
    readonly options?: readonly string[];
  }[];
}

/** For tests of what plugins add in postConstruction, seen from inside of containers. */
export interface StartStateBench {
  /** A plugin that runs these statements at postConstruction. */
  put(name: string, statements: string): void;
  /** Start a container with these plugins; it executes the script and then stays. */
  drop(name: string, script: string, plugins: readonly (string | object)[], more?: object): void;
  /** What the script of a container says. */
  said(name: string): Promise<string[]>;
  /** What a plugin noted; by default one with the name of the container. */
  answers(name: string, plugin?: string): Promise<unknown>;
  /** What crun got. */
  configOf(name: string): OciConfig;
  remove(name: string): Promise<void>;
}

export function startStateBench(hob: TestHob): StartStateBench {
  return {
    put: (name, statements) => putTraced(hob, name, 1, { postConstruction: statements }),
    drop(name, script, plugins, more = {}) {
      const uses = plugins.map((use) => (typeof use === 'string' ? { name: use } : use));
      const command = ['/bin/sh', '-c', `${script}; echo done; ${runsForever[2]}`];
      hob.drop(name, { command, plugins: uses, ...more });
    },
    async said(name) {
      let log = '';
      await untilTrue(
        `${name} has said all`,
        () => (log = hob.tryCli('logs', name).stdout).includes('done\n'),
        () => hob.output().slice(-4000),
      );
      return log.split('\n').slice(0, -2);
    },
    async answers(name, plugin = name) {
      await untilHook(hob, name, plugin, 'postConstruction');
      return callOf(hob, name, plugin, 'postConstruction').noted;
    },
    configOf: (name) =>
      JSON.parse(readFileSync(join(hob.dir, 'run/instances', name, 'config.json'), 'utf8')) as OciConfig,
    async remove(name) {
      hob.remove(name);
      await hob.until(name, 'is gone', (one) => one === undefined);
    },
  };
}
