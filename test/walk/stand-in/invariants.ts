import { hookPoints } from '../../../src/hooks/plugin.ts';
import type { Controller, WatchEvent } from '../../../src/controller/controller.ts';
import type { Container } from '../../../src/api/container.ts';
import type { Journal } from '../../../src/journal/journal.ts';
import { monotonic } from './clock.ts';
import { hasHook } from './plugins.ts';
import { names, type Name, type Wanted, type Wishes } from './wishes.ts';
import type { Happening, HookHappening, Life, World } from './world.ts';

/** Holds what happens on the host against what hob promises. What hob says of itself is only held against what happened. */
export interface Judge {
  /** @param isDead from then on, nobody hears what it says */
  follow(controller: Controller, isDead: () => boolean): void;
  unfollow(): void;
  throwIfBroken(): void;
  throwIf(problems: readonly string[]): void;
  /** With what had happened. */
  explained(error: unknown): Error;
  /** What is not yet as it is wanted. @param journal as it is on the disk */
  unsettled(journal: Journal): string[];
}

/** What became of an instance, as the host knows it. */
interface Seen {
  readonly calls: (HookHappening & { readonly at: number; ended?: string; endedAt?: number })[];
  readonly since: number;
  life?: Life;
  createdAt?: number;
  end?: Extract<Happening, { what: 'ended' }>;
}

export function judge(world: World, wishes: Wishes): Judge {
  const broken: string[] = [];
  const seen = new Map<string, Seen>();
  /** The last instance of each container whose command ended. */
  const ended = new Map<string, Extract<Happening, { what: 'ended' }>>();
  const views = new Map<string, { readonly view: Container; readonly at: number }>();
  let unwatch = (): void => undefined;

  const isBroken = (what: string): void => void broken.push(what);
  const seenOf = (instanceID: string): Seen => {
    const known: Seen = seen.get(instanceID) ?? { calls: [], since: monotonic() };
    seen.set(instanceID, known);
    return known;
  };

  /** The journal could not be written since then, so hob may have forgotten with its death what it knew. */
  const mayHaveForgotten = (since: number): boolean => world.trouble.disk() >= since;

  function look(happening: Happening): void {
    switch (happening.what) {
      case 'created':
        return created(happening.life);
      case 'shell':
        return isDemanded(happening.life);
      case 'ended':
        return end(happening);
      case 'rootfs made':
        seenOf(happening.instanceID);
        return isDue(happening.id as Name);
      case 'rootfs gone':
        return isOwedNothing(happening.id, happening.instanceID);
      case 'hook begins':
        return hookBegins(happening);
      case 'hook ended':
        return hookEnded(happening);
      case 'note':
        return note(happening);
      default:
    }
  }

  function created(life: Life): void {
    const known = seenOf(life.instanceID);
    if (known.createdAt !== undefined && !mayHaveForgotten(known.since))
      isBroken(`${life.instanceID} of ${life.id} got a second init`);
    Object.assign(known, { life, createdAt: monotonic() });
    const others = world.inits.filter(({ life: other, init }) => other !== life && other.id === life.id && init.alive);
    if (others.length > 0) isBroken(`${life.id} has ${others.length + 1} inits`);
  }

  function end(happening: Extract<Happening, { what: 'ended' }>): void {
    const { life, cause } = happening;
    seenOf(life.instanceID).end = happening;
    if (life.executed) ended.set(life.id, happening);
    if (cause === 'hob' && life.executed && !mayEnd(life))
      isBroken(`hob ended ${life.instanceID} of ${life.id}, which was as it was wanted`);
  }

  function mayEnd(life: Life): boolean {
    const name = life.id as Name;
    const wanted = wishes.wanted.get(name);
    const since = life.init?.since ?? 0;
    if (!wanted || wanted.wish.state === 'Stopped' || wanted.hash.instance !== life.config.wanted) return true;
    return wishes.changedAt(name) >= since || mayHaveForgotten(since);
  }

  /** A life more than the restart policy allows, after an end that was not hob's doing. */
  function isDemanded(life: Life): void {
    const last = ended.get(life.id);
    const name = life.id as Name;
    const wanted = wishes.wanted.get(name);
    if (!last || !wanted || last.cause === 'reboot' || last.cause === 'hob') return;
    const since = seenOf(last.life.instanceID).since;
    if (wishes.changedAt(name) >= since || mayHaveForgotten(since) || world.trouble.reboot() >= since) return;
    const { policy } = wanted.wish;
    if (policy === 'Never' || (policy === 'OnFailure' && last.code === 0))
      isBroken(`${life.id} was started again although it ended with ${last.code} and its policy is ${policy}`);
  }

  /** What was said about the next start holds after a death. */
  function isDue(name: Name): void {
    const last = views.get(name);
    if (!last || last.view.status?.phase !== 'Backoff') return;
    const { at } = last;
    const { nextRestartAt = '', instanceID = '' } = last.view.status;
    const next = Date.parse(nextRestartAt);
    const changed = Math.max(wishes.changedAt(name), world.trouble.clock(), world.trouble.reboot());
    if (Date.now() >= next || changed >= at || mayHaveForgotten(seenOf(instanceID).since)) return;
    isBroken(`${name} was started ${next - Date.now()} ms before the end of its back-off`);
  }

  function isOwedNothing(id: string, instanceID: string): void {
    const { calls } = seenOf(instanceID);
    const begun = calls[0]?.at ?? 0;
    const owesPostStop = initWasSeen(instanceID) && world.trouble.reboot() < begun;
    for (const plugin of new Set(calls.map((call) => call.plugin))) {
      if (world.trouble.plugin(plugin) >= begun) continue;
      const lacks = (point: string): boolean => !calls.some((call) => call.plugin === plugin && call.point === point);
      if (!lacks('postConstruction') && lacks('preDestruction'))
        isBroken(`${instanceID} of ${id} went without preDestruction of ${plugin}`);
      if (hasHook(plugin, 'postStop') && owesPostStop && lacks('postStop'))
        isBroken(`${instanceID} of ${id} went without postStop of ${plugin}`);
    }
  }

  /** Of others, hob cannot know that their init existed. */
  function initWasSeen(instanceID: string): boolean {
    const { life, createdAt } = seenOf(instanceID);
    return createdAt !== undefined && (life?.executed === true || life?.waits === true);
  }

  function hookBegins({ at, what: _, ...call }: Extract<Happening, { what: 'hook begins' }>): void {
    const { calls, since } = seenOf(call.instanceID);
    const words = `${call.point} of ${call.plugin} for ${call.instanceID} of ${call.id}`;
    if (!mayHaveForgotten(since)) faultsOf(call, calls).forEach((fault) => isBroken(`${words} ${fault}`));
    calls.push({ ...call, at });
  }

  function faultsOf(call: HookHappening, calls: Seen['calls']): string[] {
    const order = hookPoints.indexOf(call.point);
    const later = calls.find(({ point }) => hookPoints.indexOf(point) > order);
    const same = calls.filter(({ point, plugin }) => point === call.point && plugin === call.plugin);
    // The journal may know of a call that hob did not live to make.
    const isFirst = same.length === 0 && world.trouble.death() < 0;
    const hasSucceeded = call.point === 'preDestruction' && same.some(({ ended }) => ended === 'ok');
    return [
      ...(later ? [`came after ${later.point}`] : []),
      ...(same.length > 0 && call.attempt < 2 ? [`was called again as attempt ${call.attempt}`] : []),
      ...(isFirst && call.attempt > 1 ? [`was called first as attempt ${call.attempt}`] : []),
      ...(hasSucceeded ? ['came although it had succeeded'] : []),
    ];
  }

  /** What ended at the very moment of its death, hob may not have noted. */
  function note({ at, text }: Extract<Happening, { what: 'note' }>): void {
    if (!text.startsWith('hob dies')) return;
    for (const { calls } of seen.values()) for (const call of calls) if (call.endedAt === at) call.ended = 'not known';
  }

  function hookEnded({ at, instanceID, point, plugin, outcome }: Extract<Happening, { what: 'hook ended' }>): void {
    const call = seenOf(instanceID).calls.findLast((one) => one.point === point && one.plugin === plugin);
    if (call && outcome) Object.assign(call, { ended: outcome, endedAt: at });
  }

  function view({ type, object }: WatchEvent): void {
    const { name } = object.metadata;
    const before = views.get(name)?.view;
    if (type === 'DELETED') return void views.delete(name);
    views.set(name, { view: object, at: monotonic() });
    const [now = 0, then = 0] = [object, before].map((one) => one?.status?.restartCount);
    const isSame = before?.metadata.uid === object.metadata.uid;
    if (isSame && now < then && !mayHaveForgotten(0)) isBroken(`${name} was restarted ${now} times, after ${then}`);
    const told = object.status?.lastTermination;
    if (told) isTrue(name, told);
  }

  /** What is told of an end is how it ended. */
  function isTrue(name: string, told: NonNullable<NonNullable<Container['status']>['lastTermination']>): void {
    const { end: really, since, life } = seenOf(told.instanceID ?? '');
    if (!really || !life?.executed || mayHaveForgotten(since) || world.trouble.reboot() >= since) return;
    if (told.exitCode === really.code || (told.exitCode === undefined && really.cause === 'hob')) return;
    isBroken(
      `${name} is said to have ended with ${told.exitCode} (${told.reason}, ${told.message}); it was ${really.code}`,
    );
  }

  world.listen(look);

  function throwIf(problems: readonly string[]): void {
    if (problems.length > 0) throw new Error(problems.join('\n'));
  }

  function explained(error: unknown): Error {
    const story = world.happenings.slice(-150).map(inWords).join('\n');
    return new Error(
      `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n\nwhat happened:\n${story}`,
    );
  }

  return {
    follow: (controller, isDead) => {
      const watch = (event: WatchEvent): void => {
        if (!isDead()) view(event);
      };
      for (const object of controller.list()) watch({ type: 'ADDED', object });
      unwatch = controller.watch(watch);
    },
    unfollow: () => unwatch(),
    throwIfBroken: () => throwIf(broken),
    throwIf,
    explained,
    unsettled: (journal) => names.flatMap((name) => unsettled(world, wishes, journal, name)),
  };
}

function unsettled(world: World, wishes: Wishes, journal: Journal, name: Name): string[] {
  const wanted = wishes.wanted.get(name);
  const problems = wanted ? notAsWanted(world, wishes, name, wanted) : leftovers(world, name);
  const rows = journal.containers().filter(({ id }) => id === name);
  if (!wanted && rows.length + journal.hookCalls(name).length > 0) problems.push('the journal still has it');
  if (wanted && rows.length === 0) problems.push('the journal does not know it');
  return problems.map((problem) => `${name}: ${problem}`);
}

function leftovers(world: World, name: Name): string[] {
  const alive = world.inits.filter(({ life, init }) => life.id === name && init.alive);
  const mounts = [...world.rootfs.values()].filter(({ id }) => id === name);
  return [
    ...alive.map(({ init }) => `pid ${init.pid} still lives`),
    ...(world.lives.has(name) ? ['its bundle is still there'] : []),
    ...mounts.map(({ instanceID }) => `the rootfs of ${instanceID} is still there`),
  ];
}

function notAsWanted(world: World, wishes: Wishes, name: Name, wanted: Wanted): string[] {
  const { wish } = wanted;
  const [command = '', code] = wish.command;
  if (wish.state === 'Stopped') return leftovers(world, name);
  if (command !== 'job' && command !== 'missing') return notServing(world, wishes, name, wanted);
  const isOver = wish.policy === 'Never' || (wish.policy === 'OnFailure' && command === 'job' && code === '0');
  if (wish.state === 'Running' && isOver)
    return hasRun(world, name, wanted) ? leftovers(world, name) : ['it has not run yet'];
  return leftovers(world, name).length > 3 ? leftovers(world, name) : [];
}

function notServing(world: World, wishes: Wishes, name: Name, wanted: Wanted): string[] {
  const alive = world.inits.filter(({ life, init }) => life.id === name && init.alive);
  const [one] = alive;
  if (!one && wanted.wish.policy === 'Never' && hasRun(world, name, wanted)) return leftovers(world, name);
  if (!one || alive.length > 1) return [`${alive.length} of it run`];
  const mayDiffer = world.trouble.inPlace() >= wishes.changedAt(name);
  const { instanceID } = one.life;
  const others = [...world.rootfs.values()].filter((mount) => mount.id === name && mount.instanceID !== instanceID);
  return [
    ...differences(one, wanted),
    ...(mayDiffer ? [] : differencesInPlace(one, wanted)),
    ...others.map((mount) => `the rootfs of ${mount.instanceID} is still there`),
  ];
}

type Running = World['inits'][number];

function differences({ life }: Running, { hash, wish }: Wanted): string[] {
  const lacking = wish.plugins.filter(
    ({ name, required }) => required && !life.config.env.includes(`${name}=${life.instanceID}`),
  );
  return [
    ...(life.executed ? [] : ['its command does not run']),
    ...(life.config.wanted === hash.instance ? [] : ['it runs with another spec']),
    ...lacking.map(({ name }) => `lacks what ${name} added`),
  ];
}

/** A change in place that was refused is not tried again until the spec changes. */
function differencesInPlace({ init }: Running, { memory, wish }: Wanted): string[] {
  return [
    ...(init.memory === memory ? [] : [`it may use ${init.memory}, not ${memory}`]),
    ...(init.frozen === (wish.state === 'Paused') ? [] : [init.frozen ? 'is frozen' : 'is not frozen']),
  ];
}

/** It ran, and ended without hob's doing. */
const hasRun = ({ happenings }: World, name: Name, { hash }: Wanted): boolean =>
  happenings.some(
    (one) =>
      one.what === 'ended' &&
      one.cause !== 'hob' &&
      (one.life.executed || one.life.words.startsWith('exec')) &&
      one.life.id === name &&
      one.life.config.wanted === hash.instance,
  );

function inWords(happening: Happening): string {
  const { at, what } = happening;
  const when = `${Math.round(at)} ms`.padStart(12);
  switch (what) {
    case 'note':
      return `${when}  ${happening.text}`;
    case 'hook begins':
    case 'hook ended':
      return `${when}    ${happening.id} ${happening.instanceID}: ${what}: ${happening.point} of ${happening.plugin}, attempt ${happening.attempt} ${happening.outcome ?? ''}`;
    case 'rootfs made':
    case 'rootfs gone':
      return `${when}    ${happening.id} ${happening.instanceID}: ${what}`;
    case 'ended':
      return `${when}    ${happening.life.id} ${happening.life.instanceID}: init ended by ${happening.cause}, ${happening.code}`;
    default:
      return `${when}    ${happening.life.id} ${happening.life.instanceID}: ${what}`;
  }
}
