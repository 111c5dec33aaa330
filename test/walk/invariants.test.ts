import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mkfifo, mount, MS, unmount } from '../../src/host/libc.ts';
import { mountsOf } from '../../src/host/mounts.ts';
import { untilTrue } from '../support/hob.ts';
import { parentsIn } from '../support/cgroups.ts';
import { crashLooper, job, server } from './commands.ts';
import { check, initOf, openDescriptors, settled } from './invariants/check.ts';
import type { Expected } from './invariants/expected.ts';
import { hookFaults } from './invariants/hooks.ts';
import { helpersOf, look } from './invariants/sight.ts';
import { startFaults } from './invariants/starts.ts';
import { toldFaults } from './invariants/told.ts';
import { commandLinesWith, processOf } from '../support/processes.ts';
import { installWitness } from './witness/install.ts';
import { makeWorld } from './world.ts';

const limitMs = 60_000;
const memory = 64 * 2 ** 20;
const world = makeWorld();
const { dir, runDir, stateDir } = world;
const plugins = [{ name: 'witness' }, { name: 'scribe' }];
const expected: readonly Expected[] = [
  { name: 'web', state: 'running', marker: 'first', starts: 1, memory, told: { restartCount: 0 } },
  { name: 'bare', state: 'running', marker: 'first', starts: 1, overlay: false },
  { name: 'still', state: 'paused', marker: 'first', starts: 1 },
  { name: 'job', state: 'ended', marker: 'first', starts: 1, told: { phase: 'Failed', exitCode: 4 } },
];
/** The same, but for one of them. */
const but = (name: string, change: Partial<Expected>): Expected[] =>
  expected.map((each) => (each.name === name ? { ...each, ...change } : each));

const undoLater: (() => void | Promise<unknown>)[] = [];
const undoAll = async (): Promise<void> => {
  for (const undo of undoLater.splice(0).reverse()) await undo();
};

/** What the check says while something is not as it should be. */
async function saidOf(breakIt: () => void | Promise<void>, wanted = expected): Promise<string[]> {
  try {
    await breakIt();
    return check(world, wanted);
  } finally {
    await undoAll();
  }
}

const saying = (...words: RegExp[]): unknown =>
  expect.arrayContaining(words.map((each) => expect.stringMatching(each) as string));

/** In any order. */
function expectAll(faults: readonly string[], ...words: RegExp[]): void {
  expect(faults).toEqual(saying(...words));
  expect(faults).toHaveLength(words.length);
}

function leave(path: string, text = ''): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  undoLater.push(() => rmSync(path));
}

function leaveFolder(path: string): void {
  mkdirSync(path);
  undoLater.push(() => rmSync(path, { recursive: true }));
}

/** A process that is there until its stdin ends. */
async function leaveProcess(program: string, ...args: string[]): Promise<ChildProcess> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  undoLater.push(() => {
    child.kill('SIGKILL');
    return exited;
  });
  await once(child, 'spawn');
  return child;
}

function leaveMount(target: string): void {
  mount({ source: 'tmpfs', target, type: 'tmpfs', flags: MS.NODEV });
  undoLater.push(() => unmount(target));
}

/** The folder of a container's cgroup in the hierarchy that has such a file. */
const cgroupWith = (file: string, id: string): string =>
  parentsIn(world.cgroupParent)
    .flatMap(({ path, isCgroup }) => (isCgroup ? join(path, id) : []))
    .find((path) => existsSync(join(path, file))) ?? '';

function change(path: string, text: string): void {
  const before = readFileSync(path, 'utf8');
  writeFileSync(path, text);
  undoLater.push(() => writeFileSync(path, before));
}

/** Hold still, or let go, on either version of cgroups. */
async function setFrozen(id: string, isFrozen: boolean): Promise<void> {
  const v1 = cgroupWith('freezer.state', id);
  if (!v1) return change(join(cgroupWith('cgroup.freeze', id), 'cgroup.freeze'), isFrozen ? '1' : '0');
  const [path, state] = [join(v1, 'freezer.state'), isFrozen ? 'FROZEN' : 'THAWED'];
  const before = readFileSync(path, 'utf8').trim();
  const set = async (to: string): Promise<void> => {
    writeFileSync(path, to);
    await untilTrue(`${id} is ${to}`, () => readFileSync(path, 'utf8').trim() === to);
  };
  undoLater.push(() => set(before));
  await set(state);
}

beforeAll(async () => {
  for (const name of ['witness', 'scribe'] as const) installWitness(world, name);
  world.start();
  expect(await world.waitUntilUp()).toBe(true);
  const role = (more: object) => ({ marker: 'first', more: { ...more } });
  world.drop('web', server(world, 'web', role({ plugins, resources: { memory: '64Mi' } })));
  world.drop('bare', server(world, 'bare', role({ readOnlyRootfs: true })));
  world.drop('still', server(world, 'still', role({})));
  world.drop('job', job(world, 'job', role({ plugins }), { code: 4 }));
  expect(await settled(world, but('still', { state: 'running' }), limitMs)).toEqual([]);
  // Not before it has said that it started.
  world.drop('still', server(world, 'still', role({ desiredState: 'Paused' })));
  expect(await settled(world, expected, limitMs)).toEqual([]);
});
afterAll(() => world.dispose());

describe('what hob tells', () => {
  it('is held against what is expected', async () => {
    const wanted: Expected[] = [
      { name: 'web', state: 'paused', told: { restartCount: [2, 3] } },
      { name: 'bare', state: 'absent' },
      { name: 'still', state: 'paused' },
      { name: 'job', state: 'ended', told: { exitCode: 0 } },
      { name: 'other', state: 'running' },
    ];
    expect(await toldFaults(world, wanted)).toEqual([
      'bare: hob still tells of it',
      'web: hob tells of the phase Running, not Paused',
      'web: hob tells of restarts: 0, expected 2 to 3',
      'job: hob tells of the exit code 4, not 0',
      'other: hob tells nothing of it',
    ]);
  });

  it('is waited for, and what is wrong at the end of the time is answered', async () => {
    expect(await settled(world, but('web', { starts: 2 }), 0)).toEqual(['web: starts: 1, expected 2']);
    expect(await settled(world, but('job', { told: { exitCode: 0 } }), 0)).toEqual([
      'job: hob tells of the exit code 4, not 0',
    ]);
  });
});

it('output that no keeper reads is named, as long as there is a hob', () => {
  const faults = check(world, [...expected, { name: 'other', state: 'running' }]);
  expect(faults).toEqual(saying(/^other: the keeper does not read its stdout$/));
});

describe('a death of hob', () => {
  it('leaves all as it is, and the next hob keeps the processes', async () => {
    const [init, before] = [initOf(world, 'web'), openDescriptors(world)];
    await world.kill();
    expect(world.death).toEqual({ code: null, signal: 'SIGKILL' });
    expect(check(world, but('web', { init }))).toEqual([]);
    world.start();
    expect(await world.waitUntilUp()).toBe(true);
    expect(await settled(world, but('web', { init }), limitMs, before)).toEqual([]);
    expect(world.deaths).toBe(1);
  });

  it('of its keeper alone is counted when the next keeper is seen', async () => {
    const keeper = (): number => helpersOf(look(world, expected), 'keeper')[0]?.pid ?? 0;
    const [deaths, first] = [world.deaths, keeper()];
    process.kill(first, 'SIGKILL');
    await untilTrue('there is another keeper', () => ![0, first].includes(keeper()));
    expect(await settled(world, expected, limitMs)).toEqual([]);
    expect(world.deaths).toBe(deaths + 1);
  });

  it('before it answers is told from an answer', async () => {
    await world.kill();
    world.start({ NODE_OPTIONS: '--import=data:text/javascript,process.exit(7)' });
    expect(await world.waitUntilUp()).toBe(false);
    expect(world.death).toEqual({ code: 7, signal: null });
  });
});

// From here on no hob is there that could put right what is broken.

describe('processes', () => {
  it('of a container that is not desired are named, and everything else of it', async () => {
    const faults = check(
      world,
      expected.filter(({ name }) => name !== 'web'),
    );
    expect(faults).toEqual(
      saying(
        /^web: must not run, and process \d+ is in its cgroup \(\/bin\/sh/,
        /^web: a shell is left: \d+/,
        /^web: a crun run is left: \d+/,
        /^web: a container of crun is left: run\/crun\/web$/,
        /^web: a bundle is left: run\/instances\/web$/,
        /^web: a signal file is left: run\/signals\/web\..*\.pid$/,
        /^web: a cgroup is left: .*memory.*\/web$|^web: a cgroup is left: \/sys\/fs\/cgroup\/hob/,
        /^something is left mounted \(overlay\): .*\/overlays\/web\//,
        /^web: what an instance wrote is left: state\/overlays\/web\//,
        /^web: is forgotten, and its logs are left/,
        /^web: what a plugin remembered is left: state\/plugins\/witness\/metadata\/web.json$/,
        /^web: a plugin's records are left/,
        /^web: keeper has something of it open: .*\/web\/stdout$/,
        /^web: scribe, postStop of \S+ is owed/,
        /^web: witness, preDestruction of \S+ is owed/,
      ),
    );
    expect(faults.join('\n')).not.toMatch(/^(bare|still|job)/m);
  });

  it('are missed where a container must run', () => {
    const faults = check(world, [...expected, { name: 'other', state: 'running' }]);
    expect(faults).toEqual(
      saying(
        /^other: must have one init, and has 0/,
        /^other: a bundle is missing/,
        /^other: its overlay must be mounted/,
      ),
    );
  });

  it('with another spec, and others than before, are named', () => {
    const { pid, startTime } = initOf(world, 'web');
    expect(check(world, but('web', { marker: 'second' }))).toEqual(
      saying(/^web: init \d+ runs the spec first, desired is second$/, /^web: the last start was of another spec/),
    );
    expect(check(world, but('web', { init: { pid, startTime: startTime - 1 } }))).toEqual([
      expect.stringMatching(/^web: was to run on undisturbed .* and is another process now: pid/),
    ]);
  });

  it('that are in a cgroup and not in the container are named', async () => {
    const faults = await saidOf(async () => {
      const { pid } = await leaveProcess('cat');
      writeFileSync(join(cgroupWith('cgroup.procs', 'web'), 'cgroup.procs'), `${pid}`);
    });
    expect(faults).toEqual([expect.stringMatching(/^web: process \d+ of the host is in its cgroup \(cat\)$/)]);
  });

  it('that are a second init are named', async () => {
    const faults = await saidOf(async () => {
      const { pid, stdin } = await leaveProcess('unshare', '--pid', '--fork', 'cat');
      undoLater.push(() => void stdin?.end());
      const isInit = (one: string): boolean => processOf(Number(one))?.isInContainer ?? false;
      const childrenOf = (): string[] =>
        readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(isInit);
      await untilTrue('it has a child', () => childrenOf().length > 0);
      const [child = ''] = childrenOf();
      undoLater.push(() => void process.kill(Number(child), 'SIGKILL'));
      writeFileSync(join(cgroupWith('cgroup.procs', 'web'), 'cgroup.procs'), child);
    });
    expect(faults).toEqual(saying(/^web: must have one init, and has 2: \d+, \d+$/));
  });

  it('that helped hob and were left are named', async () => {
    const waits = 'read -r _';
    const faults = await saidOf(async () => {
      await leaveProcess('/bin/sh', '-c', waits, '/x/src/keeper/main.ts', runDir);
      await leaveProcess('/bin/sh', '-c', waits, 'sh', join(runDir, 'signals/web.5e0fb8d2-1.created'));
      await leaveProcess('/bin/sh', '-c', waits, join(runDir, 'signals/web.5e0fb8d2-1.shell'));
      await leaveProcess('/bin/sh', '-c', waits, 'sh', `${dir}/anything`);
      await leaveProcess(join(world.plugins, 'scribe/scribe'), 'postStop');
    });
    expect(faults).toEqual(
      saying(
        /^there must be one keeper, and there are 2: \d+, \d+$/,
        /^web: a preStart hook is left: \d+/,
        /^web: must have one shell, and has 2/,
        /^the world: a plugin is left: \d+ \(.*scribe postStop\)$/,
        /^the world: a stranger is left: \d+/,
      ),
    );
  });
});

describe('files in the run directory', () => {
  it('of nobody are named', async () => {
    const faults = await saidOf(() => {
      leaveFolder(join(runDir, 'crun/other'));
      leaveFolder(join(runDir, 'instances/other'));
      leave(join(runDir, 'signals/other.5e0fb8d2-1.shell'), '17\n0\n');
      leave(join(runDir, 'signals/web.5e0fb8d2-9.pid'), '17');
      leave(join(runDir, 'keeper.runs/17.4711'));
      leave(join(runDir, 'seccomp/.0123.4711'));
      leave(join(runDir, 'instances/web/draft'));
      mkfifo(join(runDir, 'fifo'), 0o600);
      undoLater.push(() => rmSync(join(runDir, 'fifo')));
    });
    expectAll(
      faults,
      /^a run is recorded that is none any more: keeper\.runs\/17\.4711$/,
      /^a temporary file is left: run\/seccomp\/\.0123\.4711$/,
      /^other: a bundle is left: run\/instances\/other$/,
      /^other: a container of crun is left: run\/crun\/other$/,
      /^other: a signal file is left: run\/signals\/other\.5e0fb8d2-1\.shell$/,
      /^something unknown is in the run directory: fifo$/,
      /^web: a signal file is left: run\/signals\/web\.5e0fb8d2-9\.pid$/,
      /^web: an unknown file is in its bundle: draft$/,
    );
  });

  it('that say what is not so are named', async () => {
    const bundle = join(runDir, 'instances/web');
    const faults = await saidOf(() => {
      renameSync(join(bundle, 'stdout'), join(dir, 'stdout'));
      undoLater.push(() => renameSync(join(dir, 'stdout'), join(bundle, 'stdout')));
      change(join(bundle, 'instance.json'), '{"instanceID":"5e0fb8d2-9"}');
      change(join(runDir, 'crun/web/status'), '{"pid": 17}');
      const [shell = ''] = readdirSync(join(runDir, 'signals')).filter((name) => /^web\..*shell$/.test(name));
      change(join(runDir, 'signals', shell), '17\n137\n');
    });
    expect(faults).toEqual(
      saying(
        /^web: its FIFO stdout is missing$/,
        /^web: its bundle is of instance 5e0fb8d2-9, and \S+ runs$/,
        /^web: crun's list has pid 17, and its init is \d+$/,
        /^web: runs, and its exit file has a code: 137$/,
      ),
    );
  });
});

it('mounts that are left, or twice there, or missing, are named', async () => {
  const overlays = join(stateDir, 'overlays/web');
  const [instance = ''] = readdirSync(overlays);
  const faults = await saidOf(
    () => {
      leaveFolder(join(dir, 'left'));
      leaveMount(join(dir, 'left'));
      leaveMount(join(overlays, instance, 'merged'));
    },
    but('bare', { overlay: true }),
  );
  expect(faults).toEqual(
    saying(
      /^something is left mounted \(tmpfs\): .*\/left$/,
      /^web: its overlay must be mounted once, and is 2 times/,
      /^bare: its overlay must be mounted once, and is 0 times/,
    ),
  );
});

it('cgroups that are left, with other limits, or frozen, are named', async () => {
  const limited = cgroupWith('memory.limit_in_bytes', 'web') || cgroupWith('memory.max', 'web');
  const faults = await saidOf(
    async () => {
      const left = join(limited, '../other');
      mkdirSync(left);
      undoLater.push(() => rmdirSync(left));
      await setFrozen('web', true);
      await setFrozen('still', false);
    },
    but('web', { memory: 2 * memory }),
  );
  expectAll(
    faults,
    /^other: a cgroup is left: /,
    /^still: must be paused, and is not frozen$/,
    /^web: its memory limit must be 134217728, and is 67108864$/,
    /^web: must be running, and is frozen$/,
  );
});

it('files in the state directory that are left are named', async () => {
  const faults = await saidOf(() => {
    leaveFolder(join(stateDir, 'overlays/other'));
    leaveFolder(join(stateDir, 'overlays/web/5e0fb8d2-9'));
    leaveFolder(join(stateDir, 'logs/other'));
    for (const number of [7, 8]) leave(join(stateDir, `logs/web/5e0fb8d2-${number}.log`));
    leave(join(stateDir, 'journal.db.new'));
    leave(join(stateDir, 'plugins/scribe/metadata/job.json'));
    leave(join(stateDir, 'plugins/scribe/metadata/web.json.new'));
    leave(join(stateDir, 'plugins/witness/records/other.jsonl.1'));
  });
  expectAll(
    faults,
    /^a temporary file is left: state\/journal\.db\.new$/,
    /^job: what a plugin remembered is left: state\/plugins\/scribe\/metadata\/job\.json$/,
    /^nobody: what a plugin remembered is left: state\/plugins\/scribe\/metadata\/web\.json\.new$/,
    /^other: an empty folder is left: state\/overlays\/other$/,
    /^other: is forgotten, and its logs are left: state\/logs\/other \(\)$/,
    /^other: a plugin's records are left: state\/plugins\/witness\/records\/other\.jsonl\.1$/,
    /^web: too many logs are kept: /,
    /^web: what an instance wrote is left: state\/overlays\/web\/5e0fb8d2-9$/,
  );
});

it('descriptors of what is over, deleted, open twice, or more than before are named', async () => {
  const fifo = join(runDir, 'instances/other/stdout');
  const opens = 'exec 3<>"$1" 4>"$2" 5<"$3" 6<"$3"; rm "$2"; echo; read -r _';
  const args = [fifo, join(dir, 'gone'), join(world.plugins, 'witness/index.mjs')];
  const before = { ...openDescriptors(world), hob: new Map([['file', 1]]) };
  let faults: string[] = [];
  await saidOf(async () => {
    leaveFolder(dirname(fifo));
    mkfifo(fifo, 0o600);
    const { stdout } = await leaveProcess('/bin/sh', '-c', opens, '/x/src/cli/hob', ...args);
    if (stdout) await once(stdout, 'data');
    faults = check(world, expected, before);
  });
  expect(faults).toEqual(
    saying(
      /^other: hob has something of it open: .*\/other\/stdout$/,
      /^hob has a deleted file open: .*\/gone \(deleted\)$/,
      /^hob has a file open twice: .*\/witness\/index.mjs$/,
      /^hob has more descriptors of the kind file than before: \d, not 1$/,
      // Pipes of Node are pairs of sockets.
      /^hob has more descriptors of the kind socket than before/,
    ),
  );
});

describe('what plugins and containers wrote', () => {
  const paper = makeWorld();
  installWitness(paper, 'witness');
  afterAll(() => paper.dispose());
  let count = 0;

  /** What is said of a container of which this was written, `POINT WHAT [ATTEMPT]` each. */
  function saidOfCalls(
    calls: readonly string[],
    { deaths = 1, starts = [] as string[], alive = false } = {},
  ): string[] {
    const id = `c${(count += 1)}`;
    const lines = calls.map((call) => {
      const [point, what, attempt = 1, instance = '5e0fb8d2-1'] = call.split(' ');
      return `1.5 witness ${point} ${what} ${id} ${instance} ${attempt} -\n`;
    });
    appendFileSync(paper.calls, lines.join(''));
    appendFileSync(paper.starts, starts.map((instance) => `started ${id} first ${instance} 4711\n`).join(''));
    for (let death = 0; death < deaths; death += 1) paper.noteDeath();
    const sight = look(paper, alive ? [{ name: id, state: 'running' }] : []);
    const own = (fault: string): boolean => fault.startsWith(`${id}: `);
    return [...hookFaults(sight), ...startFaults(sight)].filter(own).map((fault) => fault.slice(id.length + 2));
  }

  const whole = (point: string, attempt = 1): string[] => [`${point} begin ${attempt}`, `${point} end ${attempt}`];
  const up = ['postConstruction', 'preStart', 'postStart'].flatMap((point) => whole(point));
  const down = ['postStop', 'preDestruction'].flatMap((point) => whole(point));
  const withdrawn = [...whole('postConstruction'), ...whole('preDestruction')];

  it.each<[string, string[], Parameters<typeof saidOfCalls>[1]?]>([
    ['a whole life', [...up, ...down]],
    ['a life that goes on', up, { alive: true }],
    ['a start that failed', withdrawn],
    ['a call that was cut off, and made again', ['preStart begin', ...whole('preStart', 2), ...down]],
    ['a second call of which the first was only noted', [...whole('postConstruction', 2), ...whole('preDestruction')]],
    ['a call that had ended when hob died', [...withdrawn, ...whole('preDestruction', 2)]],
    ['a hook that hangs', [...withdrawn.slice(0, 2), 'preDestruction begin', 'preDestruction hang']],
  ])('finds no fault with %s', (_what, calls, more) => {
    expect(saidOfCalls(calls, more)).toEqual([]);
  });

  it.each<[string, string[], RegExp, Parameters<typeof saidOfCalls>[1]?]>([
    [
      'another order',
      [...whole('preStart'), ...withdrawn, ...whole('postStop')],
      /postConstruction .* comes after preStart/,
    ],
    [
      'an end that comes late',
      ['postStart begin', ...down, 'postStart end'],
      /postStart .* comes after preDestruction/,
    ],
    ['a call after the last one', [...withdrawn, ...whole('postStop')], /postStop .* after its preDestruction ended/],
    ['no preDestruction', [...up, ...whole('postStop')], /preDestruction of \S+ is owed/],
    ['no postStop after preStart', [...up, ...whole('preDestruction')], /postStop of \S+ is owed/],
    ['no postStop after a start', withdrawn, /postStop of \S+ is owed/, { starts: ['5e0fb8d2-1'] }],
    [
      'a newer instance beside one that is not over',
      [...up, 'postConstruction begin 1 5e0fb8d2-2'],
      /preDestruction of 5e0fb8d2-1 is owed/,
      { alive: true },
    ],
    [
      'a last call without an end',
      [...up, ...whole('postStop'), 'preDestruction begin'],
      /was begun, and neither ended/,
    ],
    ['a second call that is not told so', ['postStop begin', ...down], /is called again, and not told so/],
    [
      'an attempt for which nobody died',
      [...whole('postConstruction', 3), ...whole('preDestruction')],
      /has attempt 3 after 1 deaths/,
      { deaths: 0 },
    ],
    [
      'two calls at a time',
      ['postStop begin', 'postStop begin 2', 'postStop end', 'postStop end 2'],
      /runs beside another call/,
    ],
    [
      'two starts in one instance',
      [...up, ...down],
      /started twice in one instance/,
      { starts: ['5e0fb8d2-1', '5e0fb8d2-1'] },
    ],
  ])('names %s', (_what, calls, words, more) => {
    expect(saidOfCalls(calls, more)).toEqual(saying(words));
  });
});

describe('in the end', () => {
  it('all that was broken is whole again', () => {
    expect(check(world, expected)).toEqual([]);
  });

  it('nothing is left of containers that are removed, and of one that crashes again and again', async () => {
    world.start();
    await world.waitUntilUp();
    for (const { name } of expected) world.remove(name);
    world.drop('loop', crashLooper(world, 'loop', { marker: 'first', more: { plugins } }));
    const loop: Expected = { name: 'loop', state: 'ended', starts: [1, 7], told: { phase: 'Backoff', exitCode: 3 } };
    expect(await settled(world, [loop], limitMs)).toEqual([]);
    world.remove('loop');
    expect(await settled(world, [], limitMs)).toEqual([]);
  });

  it('nothing is left of a world that is disposed of, whatever runs in it', async () => {
    const doomed = makeWorld();
    installWitness(doomed, 'scribe');
    doomed.start();
    await doomed.waitUntilUp();
    const hangs = [{ name: 'scribe', data: { hang: 'preStart' } }];
    doomed.drop('still', server(doomed, 'still', { marker: 'first', more: { desiredState: 'Paused' } }));
    doomed.drop('hangs', server(doomed, 'hangs', { marker: 'first', more: { plugins: hangs } }));
    await untilTrue('one is paused and the other hangs', () => {
      const sight = look(doomed, []);
      return helpersOf(sight, 'plugin').length > 0 && readFileSync(doomed.starts, 'utf8') !== '';
    });
    await doomed.dispose();
    expect(existsSync(doomed.dir)).toBe(false);
    expect(commandLinesWith(doomed.dir).size).toBe(0);
    expect(parentsIn(doomed.cgroupParent)).toEqual([]);
    const mounts = mountsOf(readFileSync('/proc/self/mountinfo', 'utf8'));
    expect(mounts.filter(({ mountPoint }) => mountPoint.includes(doomed.dir))).toEqual([]);
  });
});
