import { cpSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { untilEvent } from '../support/faults.ts';
import { runsForever, testHob } from '../support/hob.ts';

const hob = testHob();
const folder = (...names: string[]): string => join(hob.watch, ...names);

function write(directory: string, name: string, command: readonly string[] = runsForever): void {
  const manifest = {
    apiVersion: 'hob.dev/v1alpha1',
    kind: 'Container',
    metadata: { name },
    spec: { rootfs: { path: hob.rootfs }, command, terminationGracePeriodSeconds: 0 },
  };
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, `${name}.yaml`), JSON.stringify(manifest));
}

/** As `ln -sfn` cannot, but ConfigMap volumes and git-sync do. */
function swapLink(path: string, target: string): void {
  symlinkSync(target, `${path}.tmp`);
  renameSync(`${path}.tmp`, path);
}

const other = ['/bin/sh', '-c', 'while true; do sleep 0.3; done'];
const pidOf = (name: string): number | undefined => hob.get(name)?.status?.pid;
const untilGone = (name: string) => hob.until(name, 'is gone', (one) => one === undefined);
const untilOther = (name: string, pid: number | undefined) =>
  hob.until(
    name,
    'is another instance',
    ({ status } = {} as never) => status?.phase === 'Running' && status.pid !== pid,
  );

beforeAll(async () => {
  rmSync(hob.watch, { recursive: true });
  await hob.start();
});
afterAll(() => hob.dispose());

describe('a watched folder', () => {
  it('that is not there at the start is told of, and read when it comes', async () => {
    await untilEvent(hob, `directory:${hob.watch}`, 'SourceUnavailable', /is not there; make it or mount it/);
    write(hob.watch, 'late');
    await hob.untilPhase('late', 'Running');
  });

  it('keeps the container of a file that is renamed', async () => {
    const pid = pidOf('late');
    renameSync(folder('late.yaml'), folder('later.yaml'));
    hob.drop('after', { command: runsForever, terminationGracePeriodSeconds: 0 });
    await hob.untilPhase('after', 'Running');
    expect(hob.get('late')?.status).toMatchObject({ phase: 'Running', pid });
    hob.remove('later');
    hob.remove('after');
    await untilGone('late');
  });

  it('leaves a name to the file that had it first, until that one goes', async () => {
    hob.drop('claimed', { command: runsForever });
    const { status } = await hob.untilPhase('claimed', 'Running');
    hob.drop('claimed', { command: other, terminationGracePeriodSeconds: 0 }, 'rival.yaml');
    await untilEvent(hob, folder('rival.yaml'), 'NameTaken', /default\/claimed.*claimed\.yaml declared first/);
    hob.drop('after', { command: runsForever, terminationGracePeriodSeconds: 0 });
    await hob.untilPhase('after', 'Running');
    expect(pidOf('claimed')).toBe(status?.pid);
    hob.remove('claimed');
    await untilOther('claimed', status?.pid);
    hob.remove('rival');
    hob.remove('after');
    await untilGone('claimed');
  });

  it('changes at once when a ConfigMap volume swaps its link, and only what changed', async () => {
    write(folder('..v1'), 'same');
    write(folder('..v1'), 'changed');
    swapLink(folder('..data'), '..v1');
    for (const name of ['same', 'changed']) symlinkSync(`..data/${name}.yaml`, folder(`${name}.yaml`));
    const same = (await hob.untilPhase('same', 'Running')).status?.pid;
    const changed = (await hob.untilPhase('changed', 'Running')).status?.pid;
    write(folder('..v2'), 'same');
    write(folder('..v2'), 'changed', other);
    swapLink(folder('..data'), '..v2');
    rmSync(folder('..v1'), { recursive: true });
    await untilOther('changed', changed);
    expect(pidOf('same')).toBe(same);
  });

  it('that goes away takes no container with it; replaced by another, it counts as it is now', async () => {
    const pid = pidOf('same');
    renameSync(hob.watch, `${hob.watch}.away`);
    await untilEvent(hob, `directory:${hob.watch}`, 'SourceUnavailable', /its containers stay as they are/);
    expect(hob.get('same')?.status).toMatchObject({ phase: 'Running', pid });
    expect(hob.get('changed')?.status).toMatchObject({ phase: 'Running' });
    write(`${hob.watch}.new`, 'same');
    write(`${hob.watch}.new`, 'fresh');
    renameSync(`${hob.watch}.new`, hob.watch);
    await hob.untilPhase('fresh', 'Running');
    await untilGone('changed');
    expect(pidOf('same')).toBe(pid);
  });

  it('follows a link that git-sync swaps', async () => {
    const trees = join(hob.dir, 'trees');
    cpSync(hob.watch, join(trees, 'one'), { recursive: true });
    renameSync(hob.watch, `${hob.watch}.gone`);
    swapLink(hob.watch, join(trees, 'one'));
    const pid = pidOf('same');
    cpSync(join(trees, 'one'), join(trees, 'two'), { recursive: true });
    write(join(trees, 'two'), 'second');
    rmSync(join(trees, 'two', 'fresh.yaml'));
    swapLink(hob.watch, join(trees, 'two'));
    await hob.untilPhase('second', 'Running');
    await untilGone('fresh');
    expect(pidOf('same')).toBe(pid);
  });
});

describe('apply and delete', () => {
  const manifest = (name: string): string => {
    write(join(hob.dir, 'applied'), name);
    return join(hob.dir, 'applied', `${name}.yaml`);
  };

  it('refuse what a file declares, and name the file', async () => {
    const pid = pidOf('same');
    const applied = hob.tryCli('apply', '-f', manifest('same'));
    expect(applied).toMatchObject({ code: 1, stderr: expect.stringContaining('same.yaml: change that file') });
    const deleted = hob.tryCli('delete', 'same');
    expect(deleted).toMatchObject({ code: 1, stderr: expect.stringContaining('same.yaml: remove that file') });
    expect(hob.get('same')?.status).toMatchObject({ phase: 'Running', pid });
  });

  it('keep a name from a file that comes later, until the container is deleted', async () => {
    hob.cli('apply', '-f', manifest('mine'));
    const { status } = await hob.untilPhase('mine', 'Running');
    write(join(hob.dir, 'trees', 'two'), 'mine', other);
    write(join(hob.dir, 'trees', 'two'), 'after');
    await hob.untilPhase('after', 'Running');
    expect(pidOf('mine')).toBe(status?.pid);
    hob.cli('delete', 'mine', '--wait=false');
    await untilOther('mine', status?.pid);
  });
});
