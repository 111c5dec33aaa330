import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cgroupPaths, detectCgroups } from '../../src/host/cgroups.ts';
import { eventsOf, keeperOf, putShellPlugin, untilCalled, untilEvent, untilHears } from '../support/faults.ts';
import { isAlive, parentOf } from '../support/processes.ts';
import { freezerOf } from '../support/freezer.ts';
import { testHob, untilTrue } from '../support/hob.ts';
import { memoryLimitOf } from '../support/runtime.ts';

const hob = testHob();
beforeAll(() => hob.start());
afterAll(() => hob.dispose());

const listens = ['/bin/sh', '-c', 'trap "echo heard" USR1; trap "exit 7" TERM; while true; do sleep 0.1; done'];
const run = (...path: string[]): string => join(hob.dir, 'run', ...path);

async function start(name: string, spec: object = {}): Promise<number> {
  hob.drop(name, { command: listens, ...spec });
  const pid = (await hob.untilPhase(name, 'Running')).status?.pid ?? 0;
  await untilHears(pid);
  return pid;
}

/** crun, as somebody calls it by hand who knows hob's directory. */
function crun(...args: string[]): void {
  const { status, stderr } = spawnSync('crun', ['--root', run('crun'), ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`crun ${args.join(' ')}: ${stderr}`);
}

const isFrozen = (pid: number): boolean =>
  ['freezer.state', 'cgroup.freeze']
    .map((file) => join(freezerOf(pid), file))
    .some((file) => existsSync(file) && /FROZEN|FREEZING|^1/.test(readFileSync(file, 'utf8')));

const limitFile = (pid: number, controller: string, file: string): string => {
  const path = new RegExp(`^(?:\\d+:${controller}|0:):(.*)$`, 'm').exec(
    readFileSync(`/proc/${pid}/cgroup`, 'utf8'),
  )?.[1];
  return join(cgroupPaths(path ?? '', detectCgroups()).get(controller) ?? '', file);
};

/** As somebody who is where hob is. */
function unmountRootfsOf(name: string): void {
  const mounts = readFileSync(`/proc/${hob.pid}/mountinfo`, 'utf8');
  const [path = ''] = new RegExp(`${hob.dir}/state/overlays/${name}/[^ ]*`).exec(mounts) ?? [];
  spawnSync('nsenter', [`--mount=/proc/${hob.pid}/ns/mnt`, 'umount', '-l', path]);
}

/** It was not started again for what was done to it. */
const ranOn = (name: string, pid: number): void =>
  expect(hob.get(name)?.status).toMatchObject({ phase: 'Running', pid, restartCount: 0 });

describe('a container that others', () => {
  it('pause is resumed', async () => {
    const pid = await start('paused');
    crun('pause', 'paused');
    await untilEvent(hob, 'default/paused', 'PausedOutside', /paused from outside; it is resumed/);
    await untilTrue('it is no longer held', () => !isFrozen(pid));
    await hob.untilPhase('paused', 'Running');
    ranOn('paused', pid);
    crun('pause', 'paused');
    const count = (): number => eventsOf(hob).filter(({ reason }) => reason === 'PausedOutside').length;
    await untilTrue('it is noticed again', () => count() === 2);
    await untilTrue('it is no longer held', () => !isFrozen(pid));
  });

  it('resume is paused, if that is what its spec says', async () => {
    const pid = await start('resumed');
    hob.drop('resumed', { command: listens, desiredState: 'Paused' });
    await hob.untilPhase('resumed', 'Paused');
    crun('resume', 'resumed');
    await untilEvent(hob, 'default/resumed', 'ResumedOutside', /resumed from outside; it is paused/);
    await untilTrue('it is held', () => isFrozen(pid));
    hob.remove('resumed');
  });

  it('give other limits, by crun, gets those of its spec again', async () => {
    const pid = await start('limited', { resources: { memory: '64Mi' } });
    crun('update', '--memory', '33554432', 'limited');
    await untilEvent(hob, 'default/limited', 'LimitsChangedOutside', /was 33554432, not 67108864.*set again/);
    await untilTrue('the limit is as it was', () => memoryLimitOf(pid) === 64 << 20);
    ranOn('limited', pid);
  });

  it('give other limits, by hand, gets those of its spec again, also those that changed in place', async () => {
    const pid = await start('handed', { resources: { memory: '64Mi', pids: 50 } });
    hob.drop('handed', { command: listens, resources: { memory: '96Mi', pids: 60 } });
    await untilEvent(hob, 'default/handed', 'Updated', /new limits/);
    writeFileSync(limitFile(pid, 'pids', 'pids.max'), 'max');
    await untilEvent(hob, 'default/handed', 'LimitsChangedOutside', /pids.max was max, not 60/);
    await untilTrue(
      'the limit is as it was',
      () => readFileSync(limitFile(pid, 'pids', 'pids.max'), 'utf8') === '60\n',
    );
    expect(memoryLimitOf(pid)).toBe(96 << 20);
    ranOn('handed', pid);
  });

  it('give another limit of which its spec says nothing gets the default again', async () => {
    const pid = await start('silent', { resources: { memory: '64Mi' } });
    writeFileSync(limitFile(pid, 'pids', 'pids.max'), '3');
    await untilEvent(hob, 'default/silent', 'LimitsChangedOutside', /pids.max was 3, not 256/);
    await untilTrue(
      'the limit is as it was',
      () => readFileSync(limitFile(pid, 'pids', 'pids.max'), 'utf8') === '256\n',
    );
    ranOn('silent', pid);
  });

  it('give the same other limits twice gets those of its spec again, twice', async () => {
    const pid = await start('twice', { resources: { pids: 50 } });
    const file = limitFile(pid, 'pids', 'pids.max');
    const mended = (): number =>
      eventsOf(hob).filter(({ container, reason }) => container === 'default/twice' && reason === 'Updated').length;
    writeFileSync(file, 'max');
    await untilTrue('it is set again', () => mended() === 1);
    // Before hob has looked again.
    writeFileSync(file, 'max');
    await untilTrue('it is set again', () => mended() === 2);
    expect(readFileSync(file, 'utf8')).toBe('50\n');
    ranOn('twice', pid);
  });

  it('give other limits while hob is dead gets those of its spec again', async () => {
    const pid = await start('absent', { resources: { pids: 50 } });
    await hob.kill();
    writeFileSync(limitFile(pid, 'pids', 'pids.max'), '3');
    await hob.start();
    await untilEvent(hob, 'default/absent', 'LimitsChangedOutside', /pids.max was 3, not 50/);
    await untilTrue(
      'the limit is as it was',
      () => readFileSync(limitFile(pid, 'pids', 'pids.max'), 'utf8') === '50\n',
    );
    ranOn('absent', pid);
  });

  it('do nothing to is told nothing of', async () => {
    await start('quiet', {
      resources: { memory: '64Mi', swap: '1Mi', cpuShares: 512, cpuQuota: '500m', cpus: '0', pids: 40 },
    });
    hob.drop('quiet', { command: listens, resources: { memory: '96Mi', cpuQuota: '1', pids: 40 } });
    await untilEvent(hob, 'default/quiet', 'Updated', /new limits/);
    // Something that is noticed later than that would have been.
    crun('pause', 'paused');
    const count = (): number => eventsOf(hob).filter(({ reason }) => reason === 'PausedOutside').length;
    await untilTrue('that is noticed', () => count() === 3);
    expect(
      eventsOf(hob)
        .filter(({ container }) => container === 'default/quiet')
        .map(({ reason }) => reason),
    ).toEqual(['Started', 'Updated']);
  });

  it('deprive of what crun keeps of it has that again', async () => {
    const pid = await start('stateless');
    await untilTrue('crun has written', () => existsSync(run('crun/stateless/status')));
    // hob reads it at one of its looks.
    crun('pause', 'stateless');
    await untilEvent(hob, 'default/stateless', 'PausedOutside', /resumed/);
    await hob.untilPhase('stateless', 'Running');
    rmSync(run('crun/stateless'), { recursive: true });
    await untilEvent(hob, 'default/stateless', 'StateLost', /hob wrote it again/);
    expect(hob.cli('exec', 'stateless', '--', 'echo', 'in there')).toContain('in there');
    crun('pause', 'stateless');
    await untilTrue(
      'that is noticed',
      () =>
        eventsOf(hob).filter(({ container, reason }) => container === 'default/stateless' && reason === 'PausedOutside')
          .length === 2,
    );
    await untilTrue('it is no longer held', () => !isFrozen(pid));
    await hob.untilPhase('stateless', 'Running');
    ranOn('stateless', pid);
  });

  it('deprive of what crun keeps of it while hob is dead has that again', async () => {
    const pid = await start('stateless-dead');
    const kept = run('instances/stateless-dead/crun-status');
    await untilTrue('hob has kept it', () => (statSync(kept, { throwIfNoEntry: false })?.size ?? 0) > 0);
    await hob.kill();
    rmSync(run('crun/stateless-dead'), { recursive: true });
    await hob.start();
    await untilEvent(hob, 'default/stateless-dead', 'StateLost', /hob wrote it again/);
    expect(hob.cli('exec', 'stateless-dead', '--', 'echo', 'in there')).toContain('in there');
    ranOn('stateless-dead', pid);
  });

  it('unmount the rootfs of runs on, and is told of', async () => {
    const pid = await start('unmounted');
    unmountRootfsOf('unmounted');
    await untilEvent(hob, 'default/unmounted', 'RootfsUnmounted', /runs on/);
    ranOn('unmounted', pid);
    hob.remove('unmounted');
    await hob.until('unmounted', 'is gone', (one) => one === undefined);
    expect(existsSync(join(hob.dir, 'state/overlays/unmounted'))).toBe(false);
  });

  it('unmount the rootfs of while it is being started runs, and is told of', async () => {
    const goOn = join(hob.dir, 'go-on');
    putShellPlugin(hob, 'waits', 2, `preStart) while [ ! -e ${goOn} ]; do sleep 0.1; done;;`);
    hob.drop('early', { command: listens, plugins: [{ name: 'waits', timeoutSeconds: 60 }] });
    await untilCalled(hob, 'waits preStart begin 1');
    unmountRootfsOf('early');
    await start('late');
    unmountRootfsOf('late');
    await untilEvent(hob, 'default/late', 'RootfsUnmounted', /runs on/);
    // So hob has looked at the mounts, and nothing more happens to them.
    writeFileSync(goOn, '');
    await untilEvent(hob, 'default/early', 'RootfsUnmounted', /runs on/);
    for (const name of ['early', 'late']) hob.remove(name);
    for (const name of ['early', 'late']) await hob.until(name, 'is gone', (one) => one === undefined);
  });
});

describe('the end of a container is seen', () => {
  it.each([
    ['both are killed', 'killed', 'SIGKILL'],
    ['both are stopped', 'stopped', 'SIGSTOP'],
  ] as const)('when its crun and the shell around that do not tell: %s', async (_, name, signal) => {
    const pid = await start(name, { restartPolicy: 'Never' });
    const crunPid = parentOf(pid);
    const shell = parentOf(crunPid);
    for (const helper of [shell, crunPid]) process.kill(helper, signal);
    process.kill(pid, 'SIGTERM');
    const { status } = await hob.untilPhase(name, 'Failed');
    expect(status).toMatchObject({ exitCode: 7 });
    if (signal === 'SIGSTOP') await untilEvent(hob, `default/${name}`, 'HelpersStopped', /made to go on/);
    hob.remove(name);
    await hob.until(name, 'is gone', (one) => one === undefined);
  });
});

describe("in hob's own directories", () => {
  it('a container that is not hob’s is removed, and hob’s are not', async () => {
    const pid = await start('own');
    const bundle = join(hob.dir, 'stranger');
    cpSync(hob.rootfs, join(bundle, 'rootfs'), { recursive: true, verbatimSymlinks: true });
    spawnSync('crun', ['spec'], { cwd: bundle });
    const config = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8')) as { process: object };
    Object.assign(config.process, { terminal: false, args: ['/bin/sleep', '1000'] });
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
    const foreign = spawn('crun', ['--root', run('crun'), 'run', '-b', bundle, 'stranger'], { stdio: 'ignore' });
    const ended = new Promise((resolve) => foreign.on('exit', resolve));
    await untilTrue('hob has told', () =>
      eventsOf(hob).some(({ reason, msg }) => reason === 'OrphanRemoved' && msg.includes('"stranger"')),
    );
    await ended;
    expect(existsSync(run('crun/stranger'))).toBe(false);
    ranOn('own', pid);
  });

  it('the log that somebody removes or cuts is written on', async () => {
    const pid = await start('logged');
    const log = (): string => join(hob.dir, 'state/logs/logged', `${hob.get('logged')?.status?.instanceID}.log`);
    const says = async (): Promise<void> => {
      process.kill(pid, 'SIGUSR1');
      await untilTrue('its log has it', () => existsSync(log()) && readFileSync(log(), 'utf8').endsWith('heard\n'));
    };
    await says();
    truncateSync(log());
    await says();
    rmSync(join(hob.dir, 'state/logs/logged'), { recursive: true });
    await says();
    expect(hob.cli('logs', 'logged')).toContain('heard');
  });

  it('what was applied stays applied when its file is removed, alone or with the folder, and counts when it is changed', async () => {
    const applied = join(hob.dir, 'state/applied');
    const file = join(applied, 'applied.json');
    const manifest = (pids: number): string =>
      JSON.stringify({
        apiVersion: 'hob.dev/v1alpha1',
        kind: 'Container',
        metadata: { name: 'applied' },
        spec: { rootfs: { path: hob.rootfs }, command: listens, resources: { pids } },
      });
    writeFileSync(join(hob.dir, 'applied.yaml'), manifest(50));
    hob.cli('apply', '-f', join(hob.dir, 'applied.yaml'));
    const pid = (await hob.untilPhase('applied', 'Running')).status?.pid ?? 0;
    const restored = (): number =>
      eventsOf(hob).filter(({ reason, msg }) => reason === 'AppliedByHand' && msg.includes('written again')).length;
    rmSync(file);
    await untilTrue('it is written again', () => restored() === 1 && existsSync(file));
    rmSync(applied, { recursive: true });
    await untilTrue('it is written again', () => restored() === 2 && existsSync(file));
    writeFileSync(file, manifest(60));
    await untilEvent(hob, file, 'AppliedByHand', /changed by hand; what it says counts/);
    await untilTrue('it counts', () => readFileSync(limitFile(pid, 'pids', 'pids.max'), 'utf8') === '60\n');
    writeFileSync(file, '{');
    await untilEvent(hob, file, 'InvalidSpec', /applied.json/);
    rmSync(file);
    await untilTrue(
      'the last good one is written again',
      () => restored() === 3 && readFileSync(file, 'utf8') === manifest(60),
    );
    ranOn('applied', pid);
    hob.cli('delete', 'applied');
    await hob.until('applied', 'is gone', (one) => one === undefined);
    expect(existsSync(file)).toBe(false);
  });

  it('the API socket that somebody removes or replaces is there again', async () => {
    const { pid } = hob;
    const restored = (): number => eventsOf(hob).filter(({ reason }) => reason === 'SocketRestored').length;
    rmSync(run('hob.sock'));
    await untilTrue('hob has told', () => restored() === 1);
    hob.cli('get');
    writeFileSync(run('beside'), 'no socket');
    renameSync(run('beside'), run('hob.sock'));
    await untilTrue('hob has told again', () => restored() === 2);
    hob.cli('get');
    expect([statSync(run('hob.sock')).mode & 0o777, hob.pid, isAlive(pid)]).toEqual([0o600, pid, true]);
  });

  it('the socket of the keeper that somebody removes is there again, with the same keeper', async () => {
    const keeper = keeperOf(hob);
    rmSync(run('keeper.sock'));
    await untilTrue('it is there again', () => existsSync(run('keeper.sock')));
    const pid = await start('kept');
    await hob.kill();
    await hob.start();
    expect([keeperOf(hob), isAlive(keeper)]).toEqual([keeper, true]);
    ranOn('kept', pid);
  });

  it('another keeper takes the place of one that is killed', async () => {
    const keeper = keeperOf(hob);
    process.kill(keeper, 'SIGKILL');
    await untilTrue('there is another keeper', () => keeperOf(hob) !== keeper && isAlive(keeperOf(hob)));
  });
});
