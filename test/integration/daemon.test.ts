import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runsForever, testHob } from '../support/hob.ts';

const hob = testHob();
beforeAll(() => hob.start());
afterAll(() => hob.dispose());

const condition = (name: string, type: string) => hob.get(name)?.status?.conditions?.find((one) => one.type === type);

describe('a folder of specs', () => {
  it('becomes running containers, and they go with their files', async () => {
    hob.drop('web', { command: runsForever });
    const web = await hob.untilPhase('web', 'Running');
    expect(readFileSync(`/proc/${web.status?.pid}/cmdline`, 'utf8')).toContain('while true');
    expect(condition('web', 'Ready')?.status).toBe('True');
    hob.remove('web');
    await hob.until('web', 'is gone', (container) => container === undefined);
    expect(() => process.kill(web.status?.pid ?? 0, 0)).toThrow('ESRCH');
  });

  it('has a job complete, and shows what it printed', async () => {
    hob.drop('job', { command: ['/bin/sh', '-c', 'echo out; echo err >&2; exit 0'], restartPolicy: 'OnFailure' });
    const job = await hob.untilPhase('job', 'Completed');
    expect(job.status).toMatchObject({ exitCode: 0, oomKilled: false, restartCount: 0 });
    expect(hob.cli('logs', 'job').split('\n').filter(Boolean).sort()).toEqual(['err', 'out']);
    hob.remove('job');
  });

  it('starts a crash-looper again and again, later each time', async () => {
    hob.drop('crash', { command: ['/bin/sh', '-c', 'exit 3'] });
    const crash = await hob.until('crash', 'was restarted', (one) => (one?.status?.restartCount ?? 0) >= 1);
    expect(crash?.status?.lastTermination).toMatchObject({ exitCode: 3, reason: 'Error' });
    const backoff = await hob.untilPhase('crash', 'Backoff');
    expect(Date.parse(backoff.status?.nextRestartAt ?? '')).toBeGreaterThan(0);
    hob.remove('crash');
    await hob.until('crash', 'is gone', (one) => one === undefined);
  });

  it('tells apart an exit code, a signal and a want of memory', async () => {
    hob.drop('code', { command: ['/bin/sh', '-c', 'exit 137'], restartPolicy: 'Never' });
    expect((await hob.untilPhase('code', 'Failed')).status).toMatchObject({ exitCode: 137, oomKilled: false });
    hob.drop('killed', { command: runsForever, restartPolicy: 'Never' });
    const { status } = await hob.untilPhase('killed', 'Running');
    process.kill(status?.pid ?? 0, 'SIGKILL');
    expect((await hob.untilPhase('killed', 'Failed')).status).toMatchObject({ signal: 'SIGKILL', oomKilled: false });
    hob.drop('greedy', {
      command: ['/bin/sh', '-c', 'x=a; while true; do x=$x$x; done'],
      restartPolicy: 'Never',
      resources: { memory: '16Mi', swap: 0 },
    });
    expect((await hob.untilPhase('greedy', 'Failed')).status).toMatchObject({ oomKilled: true });
    for (const name of ['code', 'killed', 'greedy']) hob.remove(name);
  });

  it('says StartError, in the words of crun, when there is no such command', async () => {
    hob.drop('typo', { command: ['/bin/nosuch'] });
    const typo = await hob.untilPhase('typo', 'Backoff');
    expect(typo.status?.lastTermination).toMatchObject({
      reason: 'StartError',
      message: expect.stringContaining('nosuch'),
    });
    hob.remove('typo');
  });

  it('keeps a container as it was while its spec has a mistake, and says so', async () => {
    hob.drop('steady', { command: runsForever });
    const { status } = await hob.untilPhase('steady', 'Running');
    hob.drop('steady', { command: runsForever, hostnam: 'x' });
    await hob.until('steady', 'is stalled', () => condition('steady', 'Stalled')?.reason === 'InvalidSpec');
    expect(condition('steady', 'Stalled')?.message).toMatch(/steady\.yaml:1.*hostname/s);
    expect(hob.get('steady')?.status?.pid).toBe(status?.pid);
    hob.drop('steady', { command: runsForever });
    await hob.until('steady', 'is well again', () => condition('steady', 'Stalled')?.status === 'False');
    expect(hob.get('steady')?.status?.pid).toBe(status?.pid);
    hob.remove('steady');
  });

  it('changes limits in place, and makes a new instance for anything else', async () => {
    hob.drop('limits', { command: runsForever, resources: { memory: '32Mi' } });
    const first = await hob.untilPhase('limits', 'Running');
    hob.drop('limits', { command: runsForever, resources: { memory: '64Mi' } });
    await hob.until(
      'limits',
      'has new limits',
      (one) => one?.status?.observedGeneration === 2 && one.status.phase === 'Running',
    );
    expect(hob.get('limits')?.status?.pid).toBe(first.status?.pid);
    hob.drop('limits', { command: runsForever, resources: { memory: '64Mi' }, hostname: 'other' });
    const second = await hob.until(
      'limits',
      'is new',
      (one) => one?.status?.observedGeneration === 3 && one.status.phase === 'Running',
    );
    expect(second?.status?.instanceID).not.toBe(first.status?.instanceID);
    expect(hob.cli('exec', 'limits', '--', '/bin/hostname').trim()).toBe('other');
    hob.remove('limits');
  });

  it('changes limits of a paused container, which stays paused', async () => {
    const memoryLimit = (pid: number): string => {
      const v1 = /^\d+:memory:(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1];
      const v2 = /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1];
      return v1
        ? readFileSync(`/sys/fs/cgroup/memory${v1}/memory.limit_in_bytes`, 'utf8')
        : readFileSync(`/sys/fs/cgroup${v2}/memory.max`, 'utf8');
    };
    hob.drop('frozen', { command: runsForever, resources: { memory: '32Mi' }, desiredState: 'Paused' });
    const { status } = await hob.untilPhase('frozen', 'Paused');
    hob.drop('frozen', { command: runsForever, resources: { memory: '64Mi' }, desiredState: 'Paused' });
    const after = await hob.until('frozen', 'has new limits', (one) => one?.status?.observedGeneration === 2);
    expect(after?.status).toMatchObject({ phase: 'Paused', pid: status?.pid });
    expect(memoryLimit(status?.pid ?? 0).trim()).toBe(String(64 * 2 ** 20));
    hob.remove('frozen');
  });

  it('pauses, goes on, stops and starts as the spec says', async () => {
    hob.drop('moody', { command: runsForever });
    const { status } = await hob.untilPhase('moody', 'Running');
    hob.drop('moody', { command: runsForever, desiredState: 'Paused' });
    await hob.untilPhase('moody', 'Paused');
    hob.drop('moody', { command: runsForever, desiredState: 'Running' });
    expect((await hob.untilPhase('moody', 'Running')).status?.pid).toBe(status?.pid);
    hob.drop('moody', { command: runsForever, desiredState: 'Stopped' });
    await hob.untilPhase('moody', 'Stopped');
    hob.drop('moody', { command: runsForever, desiredState: 'Paused' });
    await hob.untilPhase('moody', 'Paused');
    hob.remove('moody');
    await hob.until('moody', 'is gone', (one) => one === undefined);
  });

  it('keeps its hands off a rootfs that a container writes to', async () => {
    hob.drop('writer', { command: ['/bin/sh', '-c', 'echo x > /made && cat /made'], restartPolicy: 'Never' });
    await hob.untilPhase('writer', 'Completed');
    expect(hob.cli('logs', 'writer')).toBe('x\n');
    expect(() => readFileSync(`${hob.rootfs}/made`)).toThrow('ENOENT');
    hob.remove('writer');
  });
});

describe('commands', () => {
  it('apply a spec, find it after a restart, and delete it', async () => {
    const spec = {
      apiVersion: 'hob.dev/v1alpha1',
      kind: 'Container',
      metadata: { name: 'applied' },
      spec: { rootfs: { path: hob.rootfs }, command: runsForever },
    };
    const file = `${hob.dir}/applied.json`;
    const { writeFileSync } = await import('node:fs');
    writeFileSync(file, JSON.stringify(spec));
    expect(hob.cli('apply', '-f', file)).toContain('created');
    expect(hob.cli('apply', '-f', file)).toContain('unchanged');
    hob.cli('wait', 'applied', '--for=condition=Ready', '--timeout=20s');
    const before = hob.get('applied')?.status?.pid;
    await hob.kill();
    await hob.start();
    expect(hob.get('applied')?.status?.pid).toBe(before);
    hob.cli('delete', 'applied');
    await hob.until('applied', 'is gone', (one) => one === undefined);
  });

  it('exec passes output and exit code through', async () => {
    hob.drop('box', { command: runsForever });
    await hob.untilPhase('box', 'Running');
    expect(hob.tryCli('exec', 'box', '--', '/bin/sh', '-c', 'echo inside; exit 7')).toMatchObject({
      code: 7,
      stdout: 'inside\n',
    });
    hob.remove('box');
  });

  it('delete refuses what a file declares, and names the file', async () => {
    hob.drop('mine', { command: runsForever });
    await hob.untilPhase('mine', 'Running');
    const { code, stderr } = hob.tryCli('delete', 'mine');
    expect(code).toBe(1);
    expect(stderr).toContain(`${hob.watch}/mine.yaml`);
    hob.remove('mine');
  });
});
