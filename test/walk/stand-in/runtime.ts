import type { Rootfs } from '../../../src/rootfs/rootfs.ts';
import { RootfsError } from '../../../src/rootfs/rootfs-error.ts';
import type { BegunStart, Exit, Launch, Observation, Runtime, StartOutcome } from '../../../src/runtime/runtime.ts';
import { timersPromises } from './clock.ts';
import { at, through, type Gate } from './gate.ts';
import type { Config, Life, World } from './world.ts';

/** crun's stand-in, as one hob holds it: all it knows, it reads from the host. Does in the same steps what the runtime on crun does. */
export function standInRuntime(world: World, gate: Gate, latency: () => number): Runtime {
  const find = (id: string, instanceID: string): Life | undefined => {
    const life = world.lives.get(id);
    return life?.instanceID === instanceID ? life : undefined;
  };

  /** A call to crun or to the keeper. */
  const call = <T>(name: string, act: () => T | Promise<T>): Promise<T> =>
    through(gate, name, async () => {
      if (latency() > 0) await timersPromises.setTimeout(latency());
      await gate.cross(`at ${name}`);
      const refusals = world.refusals.get(name) ?? 0;
      world.refusals.set(name, refusals - 1);
      if (refusals > 0 && inPlace.has(name)) world.noteTrouble('inPlace');
      if (refusals > 0) throw new Error(`${name} is refused by the walk`);
      return act();
    });

  async function follow(
    life: Life,
    onCreated: (pid: number) => void,
    signal: AbortSignal,
    unwanted: AbortSignal,
  ): Promise<StartOutcome> {
    const [limit, patience] = [timeLimit(30_000), timeLimit(1_000)];
    unwanted.addEventListener('abort', patience.run);
    if (unwanted.aborted) patience.run();
    let announced = false;
    try {
      for (;;) {
        signal.throwIfAborted();
        if (isRunning(life)) return running(life);
        if (hasEnded(life)) return afterEnd(life);
        if (patience.isOver()) return await giveUp(life, 'NoLongerWanted');
        if (limit.isOver()) return await giveUp(life, 'CreateError');
        if (life.stage === 'waiting') limit.stop();
        else limit.run();
        if (life.stage === 'waiting' && !announced) onCreated(life.files.created ?? 0);
        announced ||= life.stage === 'waiting';
        await changeOrAbort(world, signal);
        await gate.cross('the follower of a start');
      }
    } finally {
      limit.stop();
      patience.stop();
      unwanted.removeEventListener('abort', patience.run);
    }
  }

  /** As hob's own, on the stand-in's clock. */
  function timeLimit(ms: number) {
    const state: { over: boolean; timer?: NodeJS.Timeout | undefined } = { over: false };
    return {
      isOver: () => state.over,
      run: () => {
        state.timer ??= setTimeout(() => {
          state.over = true;
          world.changed();
        }, ms);
      },
      stop: () => {
        clearTimeout(state.timer);
        state.timer = undefined;
      },
    };
  }

  async function giveUp(life: Life, reason: 'CreateError' | 'NoLongerWanted'): Promise<StartOutcome> {
    await call('crun delete', () => {
      world.slay(life, 'hob');
      life.crunState = false;
    });
    return failed(reason, 'crun did not get the command to run', existed(life));
  }

  async function begin({ id, instanceID, config, waitForPreStart }: Launch): Promise<Life> {
    const prepared =
      find(id, instanceID) ??
      at(gate, 'bundle', () =>
        world.prepare({ id, instanceID, config: config as unknown as Config, waits: waitForPreStart }),
      );
    await call('shell', () => (prepared.files.shell ? undefined : world.run(prepared)));
    return prepared;
  }

  function outcomeOf({ id, instanceID }: BegunStart | Launch, signal: AbortSignal, error: unknown): StartOutcome {
    signal.throwIfAborted();
    const life = find(id, instanceID);
    return failed('CreateError', String(error), life !== undefined && existed(life));
  }

  async function discard(id: string, instanceID: string): Promise<void> {
    const life = world.lives.get(id);
    if (!life) return call('release', () => undefined);
    if (instanceID !== '' && life.instanceID !== instanceID) return;
    await call('end of processes', () => world.slay(life, 'hob'));
    await call('crun delete', () => {
      life.crunState = false;
    });
    await call('release', () => world.changed());
    at(gate, 'removal of signals', () => {
      life.files = { shell: false };
    });
    at(gate, 'removal of the bundle', () => {
      if (world.lives.get(id) === life) world.lives.delete(id);
      world.tell({ what: 'discarded', life });
    });
    world.changed();
  }

  const living = (id: string): NonNullable<Life['init']> => {
    const init = world.lives.get(id)?.init;
    if (!init?.alive) throw new Error(`container ${id} does not run`);
    return init;
  };

  return {
    start: (launch, onCreated, signal, unwanted = new AbortController().signal) =>
      through(gate, 'start', async () => {
        try {
          if (!find(launch.id, launch.instanceID)) await discard(launch.id, '');
          return await follow(await begin(launch), onCreated, signal, unwanted);
        } catch (error) {
          return outcomeOf(launch, signal, error);
        }
      }),
    goOn: (begun, onCreated, signal, unwanted = new AbortController().signal) =>
      through(gate, 'goOn', async () => {
        const life = find(begun.id, begun.instanceID);
        if (!life) return failed('CreateError', 'nothing is left of it', false);
        try {
          return await follow(life, onCreated, signal, unwanted);
        } catch (error) {
          return outcomeOf(begun, signal, error);
        }
      }),
    answerPreStart: (id, instanceID, verdict) =>
      call('answerPreStart', () => {
        const life = find(id, instanceID);
        if (life) world.answer(life, verdict);
        world.changed();
      }),
    waitForExit: (id, instanceID, signal) =>
      through(gate, 'waitForExit', async () => {
        const life = find(id, instanceID);
        if (!life) return unknown('nothing is left of it');
        while (!hasEnded(life)) await changeOrAbort(world, signal);
        return exitOf(life);
      }),
    kill: (id, instanceID, signal) =>
      call('kill', () => {
        const life = find(id, instanceID);
        return life !== undefined && world.signal(life, signal, 'hob');
      }),
    pause: (id) =>
      call('pause', () => {
        living(id).frozen = true;
      }),
    resume: (id) =>
      call('resume', () => {
        living(id).frozen = false;
      }),
    update: (id, resources) =>
      call('update', () => {
        const memory = resources['memory'] as { readonly limit?: number } | undefined;
        living(id).memory = memory?.limit ?? living(id).memory;
      }),
    discard: (id, instanceID) => through(gate, 'discard', () => discard(id, instanceID)),
    observe: (id, instanceID) => through(gate, 'observe', async () => observationOf(find(id, instanceID))),
    list: () => call('list', () => [...world.lives.values()].map(({ id, instanceID }) => ({ id, instanceID }))),
  };
}

const inPlace: ReadonlySet<string> = new Set(['pause', 'resume', 'update']);

const isRunning = (life: Life): boolean => life.executed && life.init?.alive === true;

/** There is an exit file, or nobody is left who could write one. */
const hasEnded = (life: Life): boolean => life.init?.alive !== true && life.stage === 'over';

function exitOf({ files, endedAt, crunState }: Life): Exit {
  if (!files.exit) return unknown(crunState ? 'crun was killed' : 'crun and the shell around it were killed');
  return { ...files.exit, finishedAt: endedAt ?? new Date().toISOString() };
}

const unknown = (words: string): Exit => ({ unknown: words, oomKilled: false, finishedAt: new Date().toISOString() });

function observationOf(life: Life | undefined): Observation {
  if (!life?.files.shell) return { kind: 'absent' };
  if (hasEnded(life)) return { kind: 'exited', exit: exitOf(life) };
  if (!isRunning(life) || !life.init) return { kind: 'starting' };
  const { pid, startTime, frozen } = life.init;
  return { kind: 'running', pid, startTime, paused: frozen };
}

const existed = ({ files }: Life): boolean => files.created !== undefined || files.pid !== undefined;

function running({ init }: Life): StartOutcome {
  const { pid = 0, startTime = 0 } = init ?? {};
  return { kind: 'running', pid, startTime, startedAt: new Date().toISOString() };
}

function afterEnd(life: Life): StartOutcome {
  if (life.executed) return running(life);
  if (life.words.startsWith('exec')) return failed('StartError', life.words, true);
  if (life.words.startsWith('the hook')) return failed('PreStartRefused', life.words, true);
  return failed('CreateError', life.words, existed(life));
}

type Failed = Extract<StartOutcome, { kind: 'failed' }>;

const failed = (reason: Failed['reason'], message: string, initExisted: boolean): Failed => ({
  kind: 'failed',
  reason,
  message,
  initExisted,
});

async function changeOrAbort(world: World, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  signal.addEventListener('abort', world.changed);
  await world.nextChange();
  signal.removeEventListener('abort', world.changed);
  signal.throwIfAborted();
}

export function standInRootfs(world: World, gate: Gate): Rootfs {
  const { rootfs, rootfsMissing } = world;
  return {
    prepare: ({ id, instanceID }) =>
      through(gate, 'mount', async () => {
        if (rootfsMissing.has(id)) throw new RootfsError('RootfsNotFound', 'it is not there');
        const isNew = rootfs.get(`${id}/${instanceID}`)?.mounted !== true;
        rootfs.set(`${id}/${instanceID}`, { id, instanceID, mounted: true });
        if (isNew) world.tell({ what: 'rootfs made', id, instanceID });
        return { path: `/overlays/${id}/${instanceID}` };
      }),
    discard: (id, instanceID) =>
      through(gate, 'unmount', async () => {
        if (rootfs.delete(`${id}/${instanceID}`)) world.tell({ what: 'rootfs gone', id, instanceID });
      }),
    list: () => through(gate, 'list of mounts', async () => [...rootfs.values()]),
  };
}
