import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { containerID } from '../api/container.ts';
import type { Container } from '../api/container.ts';
import { parseSpecs } from '../api/parse.ts';
import { wordsOf } from '../host/errors.ts';
import { writeFileAtomic } from '../host/files.ts';
import type { Declaration, Source, SourceSink } from './source.ts';

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
  /** One change at a time, so that files and declarations keep the same order. */
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = (change: () => Promise<void>): Promise<void> => {
    const turn = last.then(change);
    last = turn.catch(() => undefined);
    return turn;
  };
  const fileOf = (identity: { namespace: string; name: string }): string =>
    join(directory, `${containerID(identity)}.json`);

  return {
    name: appliedSourceName,
    start: async (to) => {
      sink = to;
      await mkdir(directory, { recursive: true, mode: 0o700 });
      for (const name of (await readdir(directory)).filter((one) => one.endsWith('.json')).sort()) {
        const file = join(directory, name);
        sink.declare(file, await declarationIn(file));
      }
      sink.synced();
    },
    stop: async () => {
      sink = undefined;
      return Promise.resolve();
    },
    put: (container) =>
      inTurn(async () => {
        const file = fileOf(container.metadata);
        const { status: _, ...rest } = container;
        await writeFileAtomic(file, `${JSON.stringify(rest, null, 2)}\n`, 0o600);
        sink?.declare(file, { containers: [container], mistakes: [] });
      }),
    remove: (identity) =>
      inTurn(async () => {
        const file = fileOf(identity);
        await rm(file, { force: true });
        sink?.withdraw(file);
      }),
  };
}

/** What cannot be read is a mistake of that file, and holds nothing else up. */
async function declarationIn(file: string): Promise<Declaration> {
  try {
    return parseSpecs(await readFile(file), file);
  } catch (error) {
    return { containers: [], mistakes: [{ origin: file, line: 1, column: 1, path: '', message: wordsOf(error) }] };
  }
}
