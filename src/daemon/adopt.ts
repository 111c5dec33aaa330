import type { AdoptedContainer, SavedContainer } from '../controller/saved-container.ts';
import type { ContainerRecord, Journal } from '../journal/journal.ts';
import { bootID } from '../host/boot.ts';
import { wordsOf } from '../host/errors.ts';
import { recover } from '../lifecycle/recover.ts';
import type { Rootfs } from '../rootfs/rootfs.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { machineVersion } from '../../machines/context.ts';
import type { Instance } from '../../machines/context.ts';
import type { EntryState } from '../../machines/events.ts';
import { exitReport } from '../../machines/setup.ts';
import type { Reporter } from './reporter.ts';
import { isSavedContainer } from './saved-container.ts';

interface AdoptionParts {
  readonly journal: Journal;
  readonly runtime: Runtime;
  readonly rootfs: Rootfs;
  readonly report: Reporter;
}

/**
 * Find again what an earlier hob left: every container of the journal, held against what is really there. A journal that was lost has them
 * from the copies in the run directory; what is there and in neither is nobody's, and goes.
 */
export async function adopt(parts: AdoptionParts): Promise<AdoptedContainer[]> {
  const { journal, report } = parts;
  for (const { reason, message } of journal.news) report.hob('Warning', reason, message);
  const sameBoot = (journal.fact('bootID') ?? bootID()) === bootID();
  const adopted = await Promise.all(readRecords(parts).map((record) => adoptOne(record, parts, sameBoot)));
  await removeOrphans(parts, adopted).catch((error: unknown) =>
    report.hob('Warning', 'OrphanRemains', `what nobody knows of could not be removed: ${wordsOf(error)}`),
  );
  const alive = adopted.filter(({ resumeAt }) => resumeAt === 'running' || resumeAt === 'paused').length;
  if (adopted.length > 0)
    report.hob('Normal', 'Adopted', `found ${counted(adopted.length)} again; running on: ${alive}`);
  return adopted;
}

const counted = (count: number): string => (count === 1 ? '1 container' : `${count} containers`);

/** From now on the containers in the journal are those of this boot. To be called once they are there with what `adopt` found. */
export function rememberBoot(journal: Journal): void {
  // A full disk is no reason to end where there is nothing new to write.
  if (journal.fact('bootID') !== bootID()) journal.setFact('bootID', bootID());
}

/** The instances that plugins have done something for and will be asked to undo it. */
export const served = (adopted: readonly AdoptedContainer[]): Instance[] =>
  adopted.flatMap(({ context: { instance }, resumeAt }) =>
    instance?.postConstructionBegun && !overFor.has(resumeAt) ? [instance] : [],
  );

/** States in which plugins have been told all that they are told of an instance. */
const overFor = new Set<EntryState>([
  'pending',
  'waiting',
  'destroying',
  'backoff',
  'completed',
  'failed',
  'stopped',
  'gone',
]);

interface Found {
  readonly state: string;
  readonly saved: SavedContainer;
}

function readRecords({ journal, report }: AdoptionParts): Found[] {
  return journal.containers().flatMap((record) => {
    const { id, state, context } = record;
    if (isSavedContainer(context) && context.context.id === id) return [{ state, saved: context }];
    report.hob('Warning', 'RecordUnreadable', unreadable(record));
    journal.forget(id);
    return [];
  });
}

function unreadable({ id, machineVersion: version }: ContainerRecord): string {
  const why = version === machineVersion ? 'is damaged' : `is from another version of hob (${version}) in another form`;
  return `what the journal says of container ${id} ${why}; what there is of it is removed, and it is started anew if it is still wanted`;
}

async function adoptOne({ state, saved }: Found, parts: AdoptionParts, sameBoot: boolean): Promise<AdoptedContainer> {
  const recovered = await recover({ state, context: saved.context }, parts.runtime, sameBoot);
  const { instance } = recovered.context;
  if (instance?.exit && !saved.context.instance?.exit) tellOfEnd(saved.context, instance, parts.report);
  return { ...saved, ...recovered };
}

/** It ended while no hob was there. The machine goes on after that end, so that nobody else tells of it. */
function tellOfEnd({ namespace, name }: SavedContainer['context'], instance: Instance, report: Reporter): void {
  const { severity, reason, message } = exitReport(instance);
  report.container({ namespace, name }, severity, reason, message);
}

async function removeOrphans(
  { runtime, rootfs, report }: AdoptionParts,
  adopted: readonly AdoptedContainer[],
): Promise<void> {
  const known = new Map(adopted.map(({ context }) => [context.id, context.instance?.id]));
  const tellRemoved = (id: string): void =>
    report.hob('Warning', 'OrphanRemoved', `crun held a container "${id}" that hob knows nothing of; it was removed`);
  /** One that does not go must not keep the others. */
  const orTell = (removal: Promise<void>): Promise<void> =>
    removal.catch((error: unknown) =>
      report.hob('Warning', 'OrphanRemains', `what nobody knows of could not be removed: ${wordsOf(error)}`),
    );
  for (const { id, instanceID } of await runtime.list())
    if (isStrange(instanceID, known.get(id))) await orTell(runtime.discard(id, '').then(() => tellRemoved(id)));
  for (const { id, instanceID } of await rootfs.list())
    if (known.get(id) !== instanceID) await orTell(rootfs.discard(id, instanceID));
}

/** Of a known container there may be an instance of another hob's. What does not say which it is may be its own, and is left to its next start. */
const isStrange = (there: string, own: string | undefined): boolean =>
  own === undefined || (there !== '' && there !== own);
