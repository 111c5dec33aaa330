import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { wordsOf } from '../host/errors.ts';
import type { EntryState } from '../../machines/events.ts';
import type { ContainerRow } from './containers.ts';
import type { JournalLog } from './database.ts';
import { readFramed, writeFramed } from './framed-file.ts';

/**
 * The journal's containers and facts once more, a file each, where nothing outlives the host's boot. A journal that is lost or behind is
 * brought up to date from them, so that what runs is known as before. They cost a small file on a memory file system for each save.
 */
export interface Copies {
  /** What is whole of what an earlier hob wrote. */
  containers(): ContainerRow[];
  /** By name. */
  facts(): Readonly<Record<string, string>>;
  /** Never throws: the journal has it as well. */
  save(container: ContainerRow): void;
  remove(id: string): void;
  setFact(name: string, value: string): void;
}

/**
 * Where in the run directory the copies are of what is journalled in this state directory. Two state directories may be used with one run
 * directory, one after the other, and the containers of one are nothing to the other. It is told by its path: a journal that was lost has no other name.
 * @param stateDir is there
 */
export const copiesDirectory = (runDir: string, stateDir: string): string =>
  join(runDir, 'journal', createHash('sha256').update(realpathSync(stateDir)).digest('hex').slice(0, 16));

/** States before anything is on the host: what a lost journal makes of such a container is what it would have become. */
const leavesNoTrace: ReadonlySet<string> = new Set<EntryState>(['pending', 'waiting', 'constructing']);

/** @throws Error when the directory cannot be made or read */
export function openCopies(directory: string, log: JournalLog): Copies {
  const containersDirectory = join(directory, 'containers');
  const factsFile = join(directory, 'facts.json');
  mkdirSync(containersDirectory, { recursive: true, mode: 0o700 });
  const facts = readFacts(factsFile);
  const fileOf = (id: string): string => join(containersDirectory, `${id}.json`);
  const write = writer(log);
  return {
    containers: () =>
      readdirSync(containersDirectory).flatMap((name) => readContainer(join(containersDirectory, name))),
    facts: () => facts,
    save: ({ context, ...head }) => {
      if (!leavesNoTrace.has(head.state)) write(fileOf(head.id), `${JSON.stringify(head)}\n${context}`);
    },
    remove: (id) => rmSync(fileOf(id), { force: true }),
    setFact: (name, value) => {
      facts[name] = value;
      write(factsFile, JSON.stringify(facts));
    },
  };
}

/** The first of several failures is told. */
function writer(log: JournalLog): (path: string, text: string) => void {
  let isFailing = false;
  return (path, text) => {
    try {
      writeFramed(path, text);
      isFailing = false;
    } catch (error) {
      if (!isFailing)
        log.warn(
          { path, err: error },
          `the copy of what the journal says cannot be written (${wordsOf(error)}): make room in the run directory. ` +
            'Should the journal be lost now, hob would not know all that runs.',
        );
      isFailing = true;
    }
  };
}

/** Nothing when it is not whole, or no copy. */
function readContainer(path: string): ContainerRow[] {
  const [head = '', context] = readFramed(path)?.split('\n') ?? [];
  const { id, uid, namespace, name, state, machineVersion, revision }: Partial<ContainerRow> = parsed(head);
  const row = { id, uid, namespace, name, state, machineVersion, revision, context };
  return isRow(row) ? [row] : [];
}

function parsed(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

const texts = ['id', 'uid', 'namespace', 'name', 'state', 'context'] as const;
const numbers = ['machineVersion', 'revision'] as const;

function isRow(row: { [Field in keyof ContainerRow]?: unknown }): row is ContainerRow {
  return (
    texts.every((name) => typeof row[name] === 'string') && numbers.every((name) => Number.isSafeInteger(row[name]))
  );
}

const readFacts = (path: string): Record<string, string> =>
  Object.fromEntries(
    Object.entries(parsed(readFramed(path) ?? '')).filter(
      (fact): fact is [string, string] => typeof fact[1] === 'string',
    ),
  );
