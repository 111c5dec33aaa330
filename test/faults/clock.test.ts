import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventsOf, hooksBegun, putShellPlugin, untilCalled, untilEvent, untilHookEnded } from '../support/faults.ts';
import { runsForever, testHob } from '../support/hob.ts';

const dir = mkdtempSync(join(tmpdir(), 'hob-clock-'));
const clock = join(dir, 'ahead');
const preload = join(import.meta.dirname, '../fixtures/stepped-clock.mjs');
const hob = testHob({ env: { NODE_OPTIONS: `--import=${preload}`, STEPPED_CLOCK: clock } });
beforeAll(() => hob.start());
afterAll(async () => {
  await hob.dispose();
  rmSync(dir, { recursive: true });
});

const hourMs = 3_600_000;
const step = (hours: number): void => writeFileSync(clock, String(hours * hourMs));
const gate = (name: string): string => join(hob.dir, `${name}.gate`);
const mounts = [{ source: hob.dir, destination: '/mnt', options: ['ro'] }];
const untilGone = (name: string) => hob.until(name, 'is gone', (one) => one === undefined);

describe.each([
  ['forward', 1],
  ['back', -1],
])('a clock that is set %s by an hour', (way, hours) => {
  it('ends no hook and no grace period, stops nothing, and forgives no failure', async () => {
    const [hooked, patient, loops] = ['hooked', 'patient', 'loops'].map((name) => `${name}-${way}`) as [
      string,
      string,
      string,
    ];
    step(0);
    putShellPlugin(hob, hooked, 4, `postStart) while [ ! -e ${gate(hooked)} ]; do sleep 0.05; done;;`);
    hob.drop(hooked, { command: runsForever, plugins: [{ name: hooked }] });
    const waits = `trap "while [ ! -e /mnt/${patient}.gate ]; do sleep 0.1; done; exit 3" TERM; while true; do sleep 0.1; done`;
    hob.drop(patient, { command: ['/bin/sh', '-c', waits], mounts, terminationGracePeriodSeconds: 600 });
    hob.drop(loops, { command: ['/bin/sh', '-c', 'exit 1'] });
    await untilCalled(hob, `${hooked} postStart begin 1`);
    const { status } = await hob.untilPhase(patient, 'Running');
    await untilEvent(hob, `default/${loops}`, 'BackOff', /in 1 s; failures in a row: 1/);
    hob.remove(patient);
    await hob.untilPhase(patient, 'Stopping');

    step(hours);
    // What is dropped now is taken as ever.
    hob.drop(`new-${way}`, { command: runsForever });
    await untilEvent(hob, `default/new-${way}`, 'Started', /./);
    const started = eventsOf(hob).find(
      ({ container, reason }) => container === `default/new-${way}` && reason === 'Started',
    );
    expect(Math.round((Date.parse(started?.time ?? '') - Date.now()) / hourMs)).toBe(hours);
    await untilEvent(hob, `default/${loops}`, 'BackOff', /in 4 s; failures in a row: 3/);
    expect(hob.get(patient)?.status).toMatchObject({ phase: 'Stopping', pid: status?.pid });
    for (const name of [hooked, patient]) writeFileSync(gate(name), '');
    await untilGone(patient);
    await untilEvent(hob, `default/${patient}`, 'Exited', /code 3/);
    await untilHookEnded(hob, hooked, 'postStart');
    expect(hooksBegun(hob, hooked)).toEqual(['postStart 1']);
    expect(eventsOf(hob).map(({ reason }) => reason)).not.toContain('PostStartFailed');
  });

  it('while hob is dead makes no container wait for longer, and loses none', async () => {
    const [loops, runs] = [`loops-${way}`, `new-${way}`];
    const before = (await hob.untilPhase(runs, 'Running')).status;
    const count = (await hob.untilPhase(loops, 'Backoff')).status?.restartCount ?? 0;
    await hob.kill();
    step(0);
    await hob.start();
    expect((await hob.untilPhase(runs, 'Running')).status).toMatchObject({ pid: before?.pid, restartCount: 0 });
    await hob.until(loops, 'was started again', (one) => (one?.status?.restartCount ?? 0) > count);
    const next = eventsOf(hob).filter(
      ({ container, reason }) => container === `default/${loops}` && reason === 'BackOff',
    );
    expect(next.map(({ msg }) => Number(/in a row: (\d+)/.exec(msg)?.[1]))).toEqual(next.map((_, at) => at + 1));
    for (const name of [loops, runs, `hooked-${way}`]) hob.remove(name);
    for (const name of [loops, runs, `hooked-${way}`]) await untilGone(name);
  });
});
