import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { untilEvent } from '../support/faults.ts';
import { runsForever, testHob, untilTrue } from '../support/hob.ts';

const hob = testHob();
beforeAll(() => hob.start());
afterAll(() => hob.dispose());

const startTimeOf = (pid: number): string | undefined =>
  readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19];

describe('the death of hob', () => {
  it('costs no container anything', async () => {
    hob.drop('one', { command: runsForever });
    hob.drop('two', { command: runsForever, desiredState: 'Paused' });
    const one = await hob.untilPhase('one', 'Running');
    const two = await hob.untilPhase('two', 'Paused');
    const pids = [one, two].map(({ status }) => status?.pid ?? 0);
    const born = pids.map(startTimeOf);
    await hob.kill();
    expect(pids.map(startTimeOf)).toEqual(born);
    await hob.start();
    expect((await hob.untilPhase('one', 'Running')).status).toMatchObject({ pid: pids[0], restartCount: 0 });
    expect((await hob.untilPhase('two', 'Paused')).status).toMatchObject({ pid: pids[1], restartCount: 0 });
    expect(pids.map(startTimeOf)).toEqual(born);
  });

  it('loses no exit code', async () => {
    hob.drop('short', {
      command: ['/bin/sh', '-c', 'while [ ! -e /mnt/go ]; do sleep 0.1; done; exit 9'],
      restartPolicy: 'Never',
      mounts: [{ source: hob.dir, destination: '/mnt', options: ['ro'] }],
    });
    const { status } = await hob.untilPhase('short', 'Running');
    await hob.kill();
    const { writeFileSync } = await import('node:fs');
    writeFileSync(`${hob.dir}/go`, '');
    await untilTrue('it has ended', () => {
      try {
        process.kill(status?.pid ?? 0, 0);
        return false;
      } catch {
        return true;
      }
    });
    await hob.start();
    expect((await hob.untilPhase('short', 'Failed')).status).toMatchObject({ exitCode: 9, restartCount: 0 });
    await untilEvent(hob, 'default/short', 'Exited', /code 9/);
  });

  it('by SIGTERM leaves the containers, too, and says how to stop them', async () => {
    const { status } = await hob.untilPhase('one', 'Running');
    expect(await hob.stop()).toBe(0);
    expect(() => process.kill(status?.pid ?? 0, 0)).not.toThrow();
    expect(hob.output()).toContain('hob down');
    await hob.start();
    expect((await hob.untilPhase('one', 'Running')).status?.pid).toBe(status?.pid);
  });

  it('loses no line of output, nor does that of the keeper', async () => {
    hob.drop('talker', {
      command: [
        '/bin/sh',
        '-c',
        'i=0; while [ $i -lt 100 ]; do i=$((i+1)); echo line $i; sleep 0.02; done; while true; do sleep 1; done',
      ],
      terminationGracePeriodSeconds: 0,
    });
    await hob.untilPhase('talker', 'Running');
    await hob.kill();
    const keeper = Number(readFileSync(`${hob.dir}/run/keeper.pid`, 'utf8'));
    process.kill(keeper, 'SIGKILL');
    await hob.start();
    await untilTrue('all is said', () => hob.cli('logs', 'talker').includes('line 100\n'));
    const said = hob.cli('logs', 'talker').split('\n').filter(Boolean);
    expect(said).toEqual(Array.from({ length: 100 }, (_, i) => `line ${i + 1}`));
  });

  it('lets a second hob on the same directories know', () => {
    const { code, stderr } = hob.tryCli('run', '--watch', hob.watch);
    expect(code).toBe(1);
    expect(stderr).toMatch(/another hob/);
  });
});
