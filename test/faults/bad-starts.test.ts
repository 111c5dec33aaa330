import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { untilEvent } from '../support/faults.ts';
import { makeRootfs, runsForever, testHob, untilTrue } from '../support/hob.ts';

/** A PATH with what hob's start needs, and no crun until there is one. */
const bin = mkdtempSync(join(tmpdir(), 'hob-path-'));
const found = (name: string): string => execFileSync('/bin/sh', ['-c', 'command -v "$0"', name]).toString().trim();
const crun = found('crun');
for (const name of ['sh', 'readlink', 'nsenter', 'sleep', 'node']) symlinkSync(found(name), join(bin, name));

const hob = testHob({ env: { PATH: bin } });
beforeAll(() => hob.start());
afterAll(async () => {
  await hob.dispose();
  rmSync(bin, { recursive: true });
});

/** A crun that never comes back from starting the container called `stuck`. */
const hangingCrun = `#!/bin/sh
case "$*" in *" run "*/stuck" "*) echo $$ >${bin}/stuck.pid; exec sleep 4321;; esac
exec ${crun} "$@"
`;

describe('hob', () => {
  it('without crun says so, and starts the container when crun is there', async () => {
    hob.drop('first', { command: runsForever });
    await untilEvent(hob, 'default/first', 'CreateError', /crun is not installed.*PATH.*apt-get/);
    writeFileSync(join(bin, 'crun.new'), hangingCrun);
    chmodSync(join(bin, 'crun.new'), 0o755);
    renameSync(join(bin, 'crun.new'), join(bin, 'crun'));
    await hob.untilPhase('first', 'Running');
  });

  it('goes on with others while crun hangs with one', async () => {
    hob.drop('stuck', { command: runsForever });
    await untilTrue('crun hangs', () => execFileSync('ls', [bin]).toString().includes('stuck.pid'));
    hob.drop('other', { command: runsForever });
    await hob.untilPhase('other', 'Running');
    expect(hob.get('stuck')?.status?.phase).toBe('Starting');
    process.kill(Number(execFileSync('cat', [join(bin, 'stuck.pid')])), 'SIGKILL');
    await untilEvent(hob, 'default/stuck', 'CreateError', /crun/);
    for (const name of ['stuck', 'other', 'first']) hob.remove(name);
    await hob.until('other', 'is gone', (one) => one === undefined);
  });

  it('does not wait for a crun that hangs with a container that is no longer wanted, nor does the next hob', async () => {
    for (const dies of [false, true]) {
      rmSync(join(bin, 'stuck.pid'));
      hob.drop('stuck', { command: runsForever });
      await untilTrue('crun hangs', () => execFileSync('ls', [bin]).toString().includes('stuck.pid'));
      if (dies) await hob.kill();
      hob.remove('stuck');
      if (dies) await hob.start();
      await hob.until('stuck', 'is gone', (one) => one === undefined);
    }
    expect(hob.output()).not.toContain('did not get the command to run within');
  });
});

describe('a container', () => {
  it('waits for a rootfs that is not there', async () => {
    const path = join(hob.dir, 'later');
    hob.drop('early', { rootfs: { path }, command: runsForever });
    await untilEvent(hob, 'default/early', 'RootfsNotFound', /rootfs.path .*later.*make that directory/);
    const { status } = await hob.untilPhase('early', 'Backoff');
    expect(status?.conditions?.find(({ type }) => type === 'Ready')?.message).toContain(path);
    makeRootfs(path);
    await hob.untilPhase('early', 'Running');
    hob.remove('early');
  });

  it('with a command that cannot be executed is told of in the words of crun, whatever is wrong with it', async () => {
    hob.drop('absent', { command: ['/bin/nosuch'] });
    hob.drop('directory', { command: ['/bin'] });
    await untilEvent(hob, 'default/absent', 'StartError', /\/bin\/nosuch.*not found/);
    await untilEvent(hob, 'default/directory', 'StartError', /\/bin.*Operation not permitted/);
    for (const name of ['absent', 'directory']) hob.remove(name);
  });

  it('with a mount whose source is not there backs off, and comes up when it is', async () => {
    const source = join(hob.dir, 'source');
    hob.drop('mounts', { command: runsForever, mounts: [{ source, destination: '/mnt' }] });
    await untilEvent(hob, 'default/mounts', 'CreateError', /source.*No such file or directory/);
    makeRootfs(source);
    await hob.untilPhase('mounts', 'Running');
    hob.remove('mounts');
    await hob.until('mounts', 'is gone', (one) => one === undefined);
  });
});
