import { mkdir, readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { containerID } from '../api/container.ts';
import type { Container } from '../api/container.ts';
import { parseSpecs } from '../api/parse.ts';
import { writeFileAtomic } from '../host/files.ts';
import type { Source, SourceSink } from './source.ts';

/** What people applied by command, kept as one file a container, so that a restart of hob finds it again. */
export interface AppliedSource extends Source {
  /** Want this container, from now on and after restarts. */
  put(container: Container): Promise<void>;
  /** No longer want it. */
  remove(identity: { namespace: string; name: string }): Promise<void>;
}

export const appliedSourceName = 'applied';

/** @param directory hob's own: nobody else writes there, so it is read once and not watched */
export function appliedSource(directory: string): AppliedSource {
  let sink: SourceSink | undefined;
  const fileOf = (identity: { namespace: string; name: string }): string =>
    join(directory, `${containerID(identity)}.json`);

  return {
    name: appliedSourceName,
    start: async (to) => {
      sink = to;
      await mkdir(directory, { recursive: true, mode: 0o700 });
      for (const name of (await readdir(directory)).filter((one) => one.endsWith('.json')).sort()) {
        const file = join(directory, name);
        sink.declare(file, parseSpecs(await readFile(file), file));
      }
      sink.synced();
    },
    stop: async () => {
      sink = undefined;
      return Promise.resolve();
    },
    put: async (container) => {
      const file = fileOf(container.metadata);
      const { status: _, ...rest } = container;
      await writeFileAtomic(file, `${JSON.stringify(rest, null, 2)}\n`, 0o600);
      sink?.declare(file, { containers: [container], mistakes: [] });
    },
    remove: async (identity) => {
      const file = fileOf(identity);
      await unlink(file);
      sink?.withdraw(file);
    },
  };
}
