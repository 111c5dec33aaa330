import { key as keyOf } from '../api/container.ts';
import type { Container, SpecMistake } from '../api/container.ts';
import type { Declaration, SourceSink } from '../sources/source.ts';
import type { Desired } from '../../machines/context.ts';
import { countGenerations } from './generations.ts';

/** Who declares a container: an origin (a file, say) of a source. */
export interface Claim {
  readonly source: string;
  readonly origin: string;
}

/** What is remembered of a container from before hob's last death. */
export interface Remembered {
  readonly key: string;
  readonly claim: Claim;
  readonly generation: number;
  readonly contentHash: string;
}

/** A container as the first that claimed its name wants it. */
export interface Wanted {
  readonly claim: Claim;
  readonly desired: Desired;
  readonly contentHash: string;
  /** What is wrong with its file now, so that this is the last good version of it. */
  readonly mistakes: readonly SpecMistake[];
  /** Others that claim the same name, in vain. */
  readonly rivals: readonly Claim[];
}

/** What one source has said so far. */
export interface SourceState {
  readonly name: string;
  readonly synced: boolean;
  /** How many containers it declares. */
  readonly containers: number;
  /** Why it can't be read at the moment. */
  readonly unavailable?: string;
  readonly mistakes: readonly SpecMistake[];
}

/** What all sources together want: the union of what they declare, each name belonging to whoever claimed it first. */
export interface DesiredStore {
  /** What a source reports to. */
  sinkFor(source: string): SourceSink;
  get(key: string): Wanted | undefined;
  /** Whose wish is in force; the same as `get` tells, for less. */
  claimOf(key: string): Claim | undefined;
  keys(): readonly string[];
  /** What is wrong with the origin that declares, or last declared, the container. */
  mistakesAbout(key: string): readonly SpecMistake[];
  /**
   * Whether it is certain that nobody wants the container: every source has been read once, or the one that declared it
   * took it back before our eyes. A source that can't be read may still want it, and so may a file that can't be understood.
   */
  mayRemove(key: string): boolean;
  /**
   * Whether what is remembered of a container from before hob's last death is in force while no source says anything of it: the one that
   * declared it can't be read, or the file can't be understood.
   */
  staysInForce(key: string): boolean;
  sources(): readonly SourceState[];
  /** The container is gone, and nothing of it need be remembered. One that is wanted again begins anew. */
  forget(key: string): void;
  /** From now on nothing is wanted, whatever sources say. */
  abandon(): void;
}

interface ClaimOfContainer extends Claim {
  readonly container: Container;
}

interface Origin {
  readonly declared: ReadonlySet<string>;
  readonly mistakes: readonly SpecMistake[];
}

interface SourceRecord {
  synced: boolean;
  unavailable?: string | undefined;
  readonly origins: Map<string, Origin>;
}

export interface DesiredStoreOptions {
  /** All sources there are to be. */
  readonly sources: readonly string[];
  /** Containers from before: their names stay with their owners, their generations go on. */
  readonly remembered: readonly Remembered[];
  /** A key whose wanted state may have changed. */
  readonly onChange: (key: string) => void;
  /** A source has been read for the first time. */
  readonly onSynced: (source: string) => void;
  /** A source can't be read (undefined: it can again). */
  readonly onUnavailable: (source: string, reason: string | undefined) => void;
  /** What is wrong with an origin has changed; empty when nothing is any more. */
  readonly onMistakes: (origin: string, mistakes: readonly SpecMistake[]) => void;
}

export function createDesiredStore(options: DesiredStoreOptions): DesiredStore {
  const records = new Map<string, SourceRecord>(
    options.sources.map((name) => [name, { synced: false, origins: new Map() }]),
  );
  const owners = new Map(options.remembered.map((one) => [one.key, one.claim]));
  const generations = countGenerations(options.remembered);
  const claims = new Map<string, ClaimOfContainer[]>();
  const takenBack = new Set<string>();
  let abandoned = false;

  const record = (source: string): SourceRecord => {
    const found = records.get(source);
    if (!found) throw new Error(`source ${source} was not announced`);
    return found;
  };

  function declare(source: string, origin: string, { containers, mistakes }: Declaration): void {
    const { origins } = record(source);
    const before = origins.get(origin);
    for (const container of containers) claim({ source, origin, container });
    const now = new Set(containers.map((container) => keyOf(container.metadata)));
    const dropped = [...(before?.declared ?? [])].filter((key) => !now.has(key));
    // A file with mistakes may have lost a container by mistake: what it declared before stays.
    if (mistakes.length === 0) dropped.forEach((key) => disclaim(key, { source, origin }));
    else dropped.forEach((key) => now.add(key));
    origins.set(origin, { declared: now, mistakes });
    for (const key of new Set([...now, ...dropped, ...ownedBy({ source, origin })])) options.onChange(key);
    if (!sameMistakes(mistakes, before?.mistakes ?? [])) options.onMistakes(origin, mistakes);
  }

  /** Of those from before a restart. */
  const ownedBy = (claim: Claim): string[] =>
    options.remembered.filter((one) => sameClaim(one.claim, claim)).map(({ key }) => key);

  function claim(wish: ClaimOfContainer): void {
    const key = keyOf(wish.container.metadata);
    takenBack.delete(key);
    const list = claims.get(key) ?? [];
    const mine = list.findIndex((other) => sameClaim(other, wish));
    if (mine >= 0) list[mine] = wish;
    else if (isOwner(key, wish)) list.unshift(wish);
    else list.push(wish);
    claims.set(key, list);
  }

  const isOwner = (key: string, wish: Claim): boolean => {
    const owner = owners.get(key);
    return owner !== undefined && sameClaim(owner, wish);
  };

  function disclaim(key: string, claim: Claim): void {
    const rest = (claims.get(key) ?? []).filter((other) => !sameClaim(other, claim));
    if (isOwner(key, claim)) owners.delete(key);
    if (rest.length > 0) return void claims.set(key, rest);
    claims.delete(key);
    takenBack.add(key);
  }

  function withdraw(source: string, origin: string): void {
    const { origins } = record(source);
    const gone = origins.get(origin);
    if (!gone) return;
    origins.delete(origin);
    for (const key of gone.declared) {
      disclaim(key, { source, origin });
      options.onChange(key);
    }
    for (const key of ownedBy({ source, origin })) options.onChange(key);
  }

  function firstClaim(key: string): ClaimOfContainer | undefined {
    const [first] = abandoned ? [] : (claims.get(key) ?? []);
    // At start another file may be read before the one that owns the name; its turn comes when that one's source has been read.
    return first && (isOwner(key, first) || isOwnerRead(key)) ? first : undefined;
  }

  function get(key: string): Wanted | undefined {
    const first = firstClaim(key);
    if (!first) return undefined;
    const rivals = claims.get(key)?.slice(1) ?? [];
    owners.set(key, { source: first.source, origin: first.origin });
    return {
      claim: owner(first),
      ...generations.see(key, first.container),
      mistakes: mistakesAbout(key),
      rivals: rivals.map(owner),
    };
  }

  /** Its owner may be one from before a restart, whose file has been wrong ever since. */
  function mistakesAbout(key: string): readonly SpecMistake[] {
    return sourceOf(key)?.origins.get(owners.get(key)?.origin ?? '')?.mistakes ?? [];
  }

  /** A source that there is no more has nothing left to say. */
  const isOwnerRead = (key: string): boolean => sourceOf(key)?.synced ?? true;
  const sourceOf = (key: string): SourceRecord | undefined => records.get(owners.get(key)?.source ?? '');

  const staysInForce = (key: string): boolean =>
    mistakesAbout(key).length > 0 || (!isOwnerRead(key) && sourceOf(key)?.unavailable !== undefined);

  const synced = (): boolean => [...records.values()].every((source) => source.synced);

  function tellWhether(source: string, unavailable: string | undefined): void {
    record(source).unavailable = unavailable;
    options.onUnavailable(source, unavailable);
  }

  return {
    sinkFor: (source) => ({
      declare: (origin, declaration) => declare(source, origin, declaration),
      withdraw: (origin) => withdraw(source, origin),
      synced: () => {
        record(source).synced = true;
        if (record(source).unavailable !== undefined) tellWhether(source, undefined);
        options.onSynced(source);
      },
      unavailable: (reason) => tellWhether(source, reason),
    }),
    get,
    claimOf: (key) => firstClaim(key),
    staysInForce,
    keys: () => [...claims.keys()],
    mistakesAbout,
    mayRemove: (key) =>
      abandoned || (!claims.has(key) && mistakesAbout(key).length === 0 && (synced() || takenBack.has(key))),
    forget: (key) => {
      if (claims.has(key)) return;
      owners.delete(key);
      generations.forget(key);
      takenBack.delete(key);
    },
    abandon: () => {
      abandoned = true;
    },
    sources: () =>
      [...records].map(([name, { synced, unavailable, origins }]) => ({
        name,
        synced,
        containers: new Set([...origins.values()].flatMap((origin) => [...origin.declared])).size,
        ...(unavailable === undefined ? {} : { unavailable }),
        mistakes: [...origins.values()].flatMap((origin) => origin.mistakes),
      })),
  };
}

const sameMistakes = (a: readonly SpecMistake[], b: readonly SpecMistake[]): boolean =>
  JSON.stringify(a) === JSON.stringify(b);
export const sameClaim = (a: Claim, b: Claim): boolean => a.source === b.source && a.origin === b.origin;
const owner = ({ source, origin }: Claim): Claim => ({ source, origin });
