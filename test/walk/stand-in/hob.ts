import { join } from 'node:path';
import { pino } from 'pino';
import { takeControl, type Control, type ControlParts } from '../../../src/daemon/control.ts';
import { createReporter } from '../../../src/daemon/reporter.ts';
import { memoryBytes } from '../../../src/api/quantity.ts';
import type { Journal } from '../../../src/journal/journal.ts';
import { openJournal } from '../../../src/journal/sqlite.ts';
import { rowOf } from '../../../src/journal/containers.ts';
import { openCopies, type Copies } from '../../../src/journal/copies.ts';
import { at, createGate, type Gate } from './gate.ts';
import { standInPlugins } from './plugins.ts';
import { standInRootfs, standInRuntime } from './runtime.ts';
import type { Config, World } from './world.ts';

/** One life of hob, put together as hob itself does it, on a host that was there before it. */
export interface Hob {
  readonly gate: Gate;
  /** Once it has adopted what it found. */
  readonly control: () => Control | undefined;
  readonly journal: Journal;
  /** Why it could not begin. */
  readonly fault: () => unknown;
  readonly pluginsChanged: () => void;
  readonly close: () => void;
}

export interface HobOptions {
  readonly world: World;
  /** For the journal. What is in `run` ends with the boot of the host. */
  readonly places: { readonly state: string; readonly run: string };
  readonly sources: readonly string[];
  /** How long crun and the keeper take for a call, in milliseconds. */
  readonly latency: () => number;
  readonly onBegun: (control: Control) => void;
}

const log = pino({ level: 'silent' });

export function beginHob({ world, places, sources, latency, onBegun }: HobOptions): Hob {
  const gate = createGate((name) => world.note(`hob dies at: ${name}`));
  const copiesDir = join(places.run, 'journal');
  const ownJournal = openJournal({ path: join(places.state, 'journal.db'), copiesDir, log });
  const journal = gatedJournal(ownJournal, openCopies(copiesDir, log), world, gate);
  const report = createReporter(journal, log);
  const plugins = standInPlugins(world, gate, { journal, report, log });
  let control: Control | undefined;
  let fault: unknown;
  const parts: ControlParts = {
    journal,
    report,
    log,
    plugins,
    runtime: standInRuntime(world, gate, latency),
    rootfs: standInRootfs(world, gate),
    configure: (_id, { hash, spec, additions }) => {
      const memory = spec.resources?.memory;
      const config: Config = {
        wanted: hash.instance,
        args: spec.command ?? [],
        env: additions?.env ?? [],
        memory: memory === undefined ? -1 : memoryBytes(memory),
      };
      return { ...config };
    },
    logs: {
      of: (_id, { id }) => ({ path: `/logs/${id}`, maxSizeBytes: 1, maxFiles: 1 }),
      prune: async () => gate.cross('prune of logs'),
      forget: async () => gate.cross('removal of logs'),
    },
  };
  takeControl(parts, sources).then(
    (taken) => {
      control = taken;
      onBegun(taken);
    },
    (error: unknown) => {
      fault = error;
    },
  );
  return {
    gate,
    journal: ownJournal,
    control: () => control,
    fault: () => fault,
    pluginsChanged: () => plugins.pluginsChanged(),
    close: () => ownJournal.close(),
  };
}

const writes: ReadonlySet<string> = new Set(['save', 'forget', 'beginHook', 'endHook', 'addEvent', 'setFact']);
const mostRevisionsOfALife = 1_000_000;
let lives = 0;

/**
 * The real one. What it has written outlives the hob, as it does on a disk. When the disk becomes full, what is saved of a container is in its
 * copy alone: that is on no disk. A hob that begins on a full disk has all of its journal there.
 */
function gatedJournal(journal: Journal, copies: Copies, world: World, gate: Gate): Journal {
  const isOnDisk = !world.disk.full;
  let revision = (lives += 1) * mostRevisionsOfALife;
  const gated =
    <Args extends unknown[], Result>(
      name: string,
      method: (...args: Args) => Result,
      whenFull: (...args: Args) => void = () => undefined,
    ) =>
    (...args: Args): Result =>
      at(gate, `journal.${name}`, () => {
        if (!isOnDisk || !world.disk.full || !writes.has(name)) return method(...args);
        whenFull(...args);
        throw new Error('the disk is full, says the walk');
      });
  return {
    news: journal.news,
    containers: gated('containers', journal.containers),
    save: gated('save', journal.save, (record) => copies.save(rowOf(record, (revision += 1)))),
    forget: gated('forget', journal.forget),
    beginHook: gated('beginHook', journal.beginHook),
    endHook: gated('endHook', journal.endHook),
    hookCalls: gated('hookCalls', journal.hookCalls),
    addEvent: gated('addEvent', journal.addEvent),
    events: gated('events', journal.events),
    fact: gated('fact', journal.fact),
    setFact: gated('setFact', journal.setFact),
    close: () => undefined,
  };
}
