import type { HookPoint } from '../../../src/hooks/plugin.ts';
import type { Exit } from '../../../src/runtime/runtime.ts';
import { monotonic } from './clock.ts';

/**
 * The host of a walk. It outlives every hob: crun's containers with their inits, bundles and exit files, the root filesystems, the plugins.
 * What it is told to do it does as crun would, in its own time, whether a hob lives or not. It remembers what happened, and that is what
 * walks are judged by.
 */

/** What the configuration says of a container; that of a real one has more fields. */
export interface Config {
  /** A hash of all that needs a new instance when it changes. */
  readonly wanted: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  /** Bytes; -1 for no limit. */
  readonly memory: number;
}

/** How the next crun of a container fails. */
export type Fate = 'beforeInit' | 'afterInit' | 'slow' | 'endless';

export type Cause = 'itself' | 'hob' | 'outside' | 'reboot' | 'refused';

export interface Init {
  readonly pid: number;
  readonly startTime: number;
  readonly since: number;
  alive: boolean;
  frozen: boolean;
  /** What the container may use now. */
  memory: number;
}

export type Stage = 'prepared' | 'creating' | 'waiting' | 'executing' | 'running' | 'over';

/** One instance, as far as it is on the host. */
export interface Life {
  readonly id: string;
  readonly instanceID: string;
  readonly config: Config;
  readonly waits: boolean;
  stage: Stage;
  init?: Init;
  /** The command was begun. */
  executed: boolean;
  /** The small files that tell what happened. */
  files: { shell: boolean; created?: number; pid?: number; exit?: Pick<Exit, 'code' | 'signal' | 'oomKilled'> };
  /** crun holds a state for it. */
  crunState: boolean;
  words: string;
  endedAt?: string;
}

export type Happening = { readonly at: number } & (
  | { readonly what: 'prepared' | 'shell' | 'created' | 'executed' | 'discarded'; readonly life: Life }
  | { readonly what: 'ended'; readonly life: Life; readonly cause: Cause; readonly code: number }
  | { readonly what: 'rootfs made' | 'rootfs gone'; readonly id: string; readonly instanceID: string }
  | ({ readonly what: 'hook begins' } & HookHappening)
  | ({ readonly what: 'hook ended' } & HookHappening)
  | { readonly what: 'note'; readonly text: string }
);

export interface HookHappening {
  readonly id: string;
  readonly instanceID: string;
  readonly point: HookPoint;
  readonly plugin: string;
  readonly attempt: number;
  readonly outcome?: string;
}

type Told = Happening extends infer Each ? (Each extends Happening ? Omit<Each, 'at'> : never) : never;

/** A walk has a few hundred. */
const mostHappenings = 5_000;

/** There is one host in this process at a time. */
const boot = { number: 1 };

/** What the kernel would say. */
export const bootOfWalk = (): string => `boot-${boot.number}`;

export type World = ReturnType<typeof createWorld>;

export function createWorld() {
  /** By container: there is one place for a bundle. */
  const lives = new Map<string, Life>();
  const inits: { readonly life: Life; readonly init: Init }[] = [];
  const rootfs = new Map<string, { readonly id: string; readonly instanceID: string; mounted: boolean }>();
  const happenings: Happening[] = [];
  const listeners = new Set<(happening: Happening) => void>();
  const fates = new Map<string, Fate>();
  let later: { readonly due: number; readonly act: () => void; timer?: NodeJS.Timeout }[] = [];
  let watchers: (() => void)[] = [];
  const troubles = { disk: -1, clock: -1, reboot: -1, death: -1, inPlace: -1 };
  const absent = new Map<string, number>();
  let pids = 100;

  function tell(happening: Told): void {
    if (happenings.length > mostHappenings) throw new Error('it goes round in circles');
    const told: Happening = { ...happening, at: monotonic() };
    happenings.push(told);
    for (const listener of listeners) listener(told);
  }

  function changed(): void {
    for (const watcher of watchers.splice(0)) watcher();
  }

  function arm(plan: (typeof later)[number]): void {
    plan.timer = setTimeout(
      () => {
        later = later.filter((other) => other !== plan);
        plan.act();
        changed();
      },
      Math.max(0, plan.due - monotonic()),
    );
  }

  /** The host's own doing, which no death of a hob stops. */
  function after(ms: number, act: () => void): void {
    const plan = { due: monotonic() + ms, act };
    later.push(plan);
    arm(plan);
  }

  function prepare(life: Pick<Life, 'id' | 'instanceID' | 'config' | 'waits'>): Life {
    const whole: Life = {
      ...life,
      stage: 'prepared',
      executed: false,
      files: { shell: false },
      crunState: false,
      words: '',
    };
    lives.set(life.id, whole);
    tell({ what: 'prepared', life: whole });
    return whole;
  }

  /** The shell around crun. */
  function run(life: Life): void {
    const fate = fates.get(life.id);
    fates.delete(life.id);
    life.files.shell = true;
    life.stage = 'creating';
    tell({ what: 'shell', life });
    if (fate === 'endless') return;
    const takes = fate === 'slow' ? 20_000 : 8 + world.pace.ms;
    if (fate === 'beforeInit') after(takes, () => refuse(life, 'cannot make the container'));
    else after(takes, () => create(life, fate));
  }

  function create(life: Life, fate: Fate | undefined): void {
    if (life.stage !== 'creating') return;
    pids += 1;
    life.init = {
      pid: pids,
      startTime: pids * 10,
      since: monotonic(),
      alive: true,
      frozen: false,
      memory: life.config.memory,
    };
    life.crunState = true;
    inits.push({ life, init: life.init });
    tell({ what: 'created', life });
    if (!life.waits) return execute(life, fate);
    life.files.created = pids;
    life.stage = 'waiting';
    if (fate === 'afterInit') after(20, () => refuse(life, 'cannot set it up'));
  }

  function answer(life: Life, verdict: boolean): void {
    if (life.stage !== 'waiting') return;
    if (verdict) execute(life, undefined);
    else refuse(life, 'the hook exited with 1');
  }

  function execute(life: Life, fate: Fate | undefined): void {
    life.stage = 'executing';
    if (fate === 'afterInit') return after(2, () => refuse(life, 'cannot set it up'));
    after(2 + world.pace.ms, () => begin(life));
  }

  function begin(life: Life): void {
    if (life.stage !== 'executing' || !life.init?.alive) return;
    const [command = '', code = '0', ms = '0'] = life.config.args;
    if (command === 'missing') {
      life.files.pid = life.init.pid;
      return refuse(life, 'exec: not found');
    }
    life.executed = true;
    life.files.pid = life.init.pid;
    life.stage = 'running';
    tell({ what: 'executed', life });
    if (command === 'job') after(Number(ms), () => finish(life, Number(code)));
  }

  /** A job that is frozen goes on when it is resumed. */
  function finish(life: Life, code: number): void {
    if (!life.init?.alive) return;
    if (life.init.frozen) after(1000, () => finish(life, code));
    else end(life, 'itself', { code, oomKilled: false });
  }

  /** crun gives up: its init, if there is one, ends with it. */
  function refuse(life: Life, words: string): void {
    if (life.stage === 'over') return;
    life.words = words;
    end(life, 'refused', { code: 1, oomKilled: false });
  }

  /** The init ends; crun reaps it, removes its state and tells the shell, which writes the exit file. */
  function end(life: Life, cause: Cause, exit: NonNullable<Life['files']['exit']>): void {
    const lived = life.init?.alive === true;
    if (life.init) life.init.alive = false;
    if (lived) tell({ what: 'ended', life, cause, code: exit.code ?? -1 });
    const crunEnds = (): void => {
      life.crunState = false;
      after(1, () => {
        if (!life.files.shell) return;
        life.stage = 'over';
        life.files.exit = exit;
        life.endedAt = new Date().toISOString();
      });
    };
    if (cause !== 'reboot') after(1 + world.pace.ms, crunEnds);
  }

  function signal(life: Life, name: string, cause: Cause): boolean {
    if (!life.init?.alive) return false;
    const deaf = life.config.args[0] === 'deaf' && name !== 'SIGKILL';
    const number = { SIGKILL: 9, SIGTERM: 15 }[name] ?? 1;
    if (!deaf)
      after(3, () => life.init?.alive && end(life, cause, { code: 128 + number, signal: name, oomKilled: false }));
    life.init.frozen = false;
    return true;
  }

  /** All processes of it, at once. */
  function slay(life: Life, cause: Cause): void {
    if (life.init?.alive) {
      life.init.alive = false;
      tell({ what: 'ended', life, cause, code: 137 });
    }
    life.stage = 'over';
  }

  const world = {
    lives,
    inits,
    rootfs,
    happenings,
    fates,
    plugins: new Map<string, { present: boolean }>(),
    hookFaults: [] as {
      plugin: string;
      point: HookPoint;
      kind: 'fail' | 'throw' | 'hang' | 'deaf' | 'slow';
      times: number;
    }[],
    /** Calls that fail, each so often. */
    refusals: new Map<string, number>(),
    rootfsMissing: new Set<string>(),
    disk: { full: false },
    /** How much longer than on an idle host crun takes for a step. */
    pace: { ms: 0 },
    /** When there was trouble of a kind that excuses something last: milliseconds, Infinity while it lasts, -1 if never. */
    trouble: {
      disk: (): number => (world.disk.full ? Infinity : troubles.disk),
      plugin: (name: string): number => (world.plugins.get(name)?.present ? (absent.get(name) ?? -1) : Infinity),
      clock: (): number => troubles.clock,
      reboot: (): number => troubles.reboot,
      death: (): number => troubles.death,
      /** A call that changes a container in place was refused. */
      inPlace: (): number => troubles.inPlace,
    },
    noteTrouble: (kind: keyof typeof troubles): void => void (troubles[kind] = monotonic()),
    setDisk(full: boolean): void {
      if (world.disk.full && !full) troubles.disk = monotonic();
      world.disk.full = full;
    },
    setPlugin(name: string, present: boolean): void {
      if (world.plugins.get(name)?.present === false && present) absent.set(name, monotonic());
      world.plugins.set(name, { present });
    },
    tell,
    note: (text: string): void => tell({ what: 'note', text }),
    listen: (listener: (happening: Happening) => void): void => void listeners.add(listener),
    prepare,
    run,
    answer,
    signal,
    slay,
    changed,
    /** Resolves when something has changed that somebody could see. */
    nextChange: (): Promise<void> => new Promise((resolve) => watchers.push(resolve)),
    endFromOutside: (life: Life, oomKilled: boolean): void => {
      if (life.init?.alive) end(life, 'outside', { code: 137, signal: 'SIGKILL', oomKilled });
      changed();
    },
    /** For what follows a death, too. */
    tellLater: after,
    heal(): void {
      fates.clear();
      world.refusals.clear();
      world.hookFaults.length = 0;
      world.rootfsMissing.clear();
      world.pace.ms = 0;
      world.setDisk(false);
      for (const plugin of world.plugins.keys()) world.setPlugin(plugin, true);
    },
    reboot(): void {
      boot.number += 1;
      troubles.reboot = monotonic();
      for (const life of lives.values()) slay(life, 'reboot');
      lives.clear();
      for (const one of rootfs.values()) one.mounted = false;
      for (const { timer } of later) clearTimeout(timer);
      later = [];
      watchers = [];
      fates.clear();
    },
    /** All timers were forgotten, those of a dead hob among them. */
    rearm: (): void => later.forEach(arm),
    /** Whoever waited is dead. */
    forgetWatchers: (): void => void (watchers = []),
  };
  return world;
}
