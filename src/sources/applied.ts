import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { containerID } from '../api/container.ts';
import type { Container } from '../api/container.ts';
import { parseSpecs } from '../api/parse.ts';
import { meansMissing, wordsOf } from '../host/errors.ts';
import { removeDrafts, writeFileAtomic } from '../host/files.ts';
import { watchFolder, type FolderWatch } from './applied/watch-folder.ts';
import type { Declaration, Source, SourceSink } from './source.ts';

/** What people applied by command, kept as one file a container, so that a restart of hob finds it again. */
export interface AppliedSource extends Source {
  /** Want this container, from now on and after restarts. */
  put(container: Container): Promise<void>;
  /** No longer want it. */
  remove(identity: { namespace: string; name: string }): Promise<void>;
}

const lookAgainMs = 5_000;

export const appliedSourceName = 'applied';

/** Told of a file that others changed, and of what became of it. */
export type AppliedListener = (file: string, message: string) => void;

/**
 * The files are hob's own, but what others write there counts at once, as it would for the next hob: no file means two things. One that
 * vanishes is written again, as nobody can tell whether that was meant; `hob delete` is how to say so.
 */
export function appliedSource(directory: string, tell: AppliedListener = () => undefined): AppliedSource {
  let sink: SourceSink | undefined;
  let watching: FolderWatch | undefined;
  /** What each file said when hob last wrote or read it, and when there was last nothing wrong with it. */
  const texts = new Map<string, { readonly last: string; readonly good?: string | undefined }>();
  /** One change at a time, so that files and declarations keep the same order. */
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = (change: () => Promise<void>): Promise<void> => {
    const turn = last.then(change);
    last = turn.catch(() => undefined);
    return turn;
  };
  const lookInTurn = (): void => void inTurn(look).catch(() => undefined);
  let later: NodeJS.Timeout | undefined;
  const fileOf = (identity: { namespace: string; name: string }): string =>
    join(directory, `${containerID(identity)}.json`);

  async function write(file: string, text: string): Promise<void> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await writeFileAtomic(file, text, 0o600);
    texts.set(file, { last: text, good: text });
  }

  async function take(file: string): Promise<void> {
    const { text, ...declaration } = await declarationIn(file);
    const isGood = declaration.mistakes.length === 0;
    texts.set(file, { last: text, good: isGood ? text : texts.get(file)?.good });
    sink?.declare(file, declaration);
  }

  /** Others may have been at the files. */
  async function look(): Promise<void> {
    const found = await filesIn(directory);
    for (const [file, { good }] of texts) if (!found.includes(file)) await orLater(file, restore(file, good));
    for (const file of found) await orLater(file, takeIfChanged(file));
  }

  /** What cannot be done for one file, on a full disk say, is told, and tried again. */
  async function orLater(file: string, action: Promise<void>): Promise<void> {
    try {
      await action;
    } catch (error) {
      tell(file, `was changed by hand, and cannot be put right: ${wordsOf(error)}; trying again`);
      clearTimeout(later);
      later = setTimeout(lookInTurn, lookAgainMs);
      later.unref();
    }
  }

  async function restore(file: string, text: string | undefined): Promise<void> {
    if (text === undefined) {
      texts.delete(file);
      return sink?.withdraw(file);
    }
    await write(file, text);
    tell(file, 'was removed by hand and is written again: `hob delete` removes what was applied');
  }

  async function takeIfChanged(file: string): Promise<void> {
    const text = await readFile(file, 'utf8');
    if (text === texts.get(file)?.last) return;
    tell(file, `was ${texts.has(file) ? 'changed' : 'added'} by hand; what it says counts, as if it had been applied`);
    await take(file);
  }

  return {
    name: appliedSourceName,
    start: async (to) => {
      sink = to;
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await removeDrafts(directory);
      watching = watchFolder(directory, lookInTurn);
      await inTurn(async () => {
        for (const file of await filesIn(directory)) await take(file);
      });
      sink.synced();
    },
    stop: async () => {
      sink = undefined;
      watching?.close();
      clearTimeout(later);
      await last;
    },
    put: (container) =>
      inTurn(async () => {
        const file = fileOf(container.metadata);
        const { status: _, ...rest } = container;
        await write(file, `${JSON.stringify(rest, null, 2)}\n`);
        sink?.declare(file, { containers: [container], mistakes: [] });
      }),
    remove: (identity) =>
      inTurn(async () => {
        const file = fileOf(identity);
        texts.delete(file);
        await rm(file, { force: true });
        sink?.withdraw(file);
      }),
  };
}

function noneIfMissing(error: unknown): string[] {
  if (meansMissing(error)) return [];
  throw error;
}

const filesIn = async (directory: string): Promise<string[]> =>
  (await readdir(directory).catch(noneIfMissing))
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => join(directory, name));

/** What cannot be read is a mistake of that file, and holds nothing else up. */
async function declarationIn(file: string): Promise<Declaration & { readonly text: string }> {
  try {
    const bytes = await readFile(file);
    return { ...parseSpecs(bytes, file), text: bytes.toString() };
  } catch (error) {
    const mistake = { origin: file, line: 1, column: 1, path: '', message: wordsOf(error) };
    return { containers: [], mistakes: [mistake], text: '' };
  }
}
