import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callsOf, eventsOf, putModulePlugin, putShellPlugin, untilCalled, untilEvent } from '../support/faults.ts';
import { isAlive } from '../support/processes.ts';
import { runsForever, testHob, untilTrue } from '../support/hob.ts';

const [postConstruction, preStart, postStart, postStop, preDestruction] = [1, 2, 4, 8, 16] as const;
const hob = testHob();
beforeAll(() => hob.start());
afterAll(() => hob.dispose());

const drop = (name: string, plugin = name, timeoutSeconds = 30): void =>
  hob.drop(name, { command: runsForever, plugins: [{ name: plugin, timeoutSeconds }] });
const untilGone = (name: string) => hob.until(name, 'is gone', (one) => one === undefined);

describe('a plugin of a container that', () => {
  const faults: [string, string, string, string, RegExp][] = [
    ['throws', 'throws', `hookHints: 1, postConstruction() { throw new Error('boom'); }`, 'HookThrew', /boom/],
    ['calls process.exit', 'exits', 'hookHints: 1, postConstruction() { process.exit(3); }', 'PluginCrashed', /code 3/],
    ['never ends', 'hangs', 'hookHints: 2, preStart: () => new Promise(() => {})', 'HookTimedOut', /within 1 s/],
    ['blocks its thread', 'blocks', 'hookHints: 1, postConstruction() { for (;;); }', 'HookTimedOut', /within 1 s/],
  ];
  it.each(faults)('%s costs that start alone', async (_, name, body, reason, message) => {
    putModulePlugin(hob, name, body);
    drop(name, name, 1);
    await untilEvent(hob, `default/${name}`, reason, message);
    await hob.until(name, 'is in back-off and says why', ({ status } = {} as never) =>
      Boolean(status?.conditions?.some((one) => one.type === 'Ready' && one.message?.includes(reason))),
    );
    hob.remove(name);
    await untilGone(name);
  });

  it('prints junk costs that start alone', async () => {
    putShellPlugin(hob, 'junk', postConstruction, `*) printf 'junk \\377';;`);
    drop('junk');
    await untilEvent(hob, 'default/junk', 'BadAnswer', /plugin junk, postConstruction: .*not JSON/);
    hob.remove('junk');
    await untilGone('junk');
  });

  it('is an executable that hangs is killed at its time limit, with all that it started', async () => {
    putShellPlugin(hob, 'sleeper', preStart, `*) sleep 4321 & echo $! >${hob.dir}/sleeper.pid; wait;;`);
    drop('sleeper', 'sleeper', 1);
    await untilEvent(hob, 'default/sleeper', 'HookTimedOut', /within 1 s; its process was killed/);
    const itsPid = (): string => readFileSync(`${hob.dir}/sleeper.pid`, { encoding: 'utf8', flag: 'a+' });
    await untilTrue('it has had a child', () => itsPid() !== '');
    hob.remove('sleeper');
    await untilGone('sleeper');
    const child = Number(itsPid());
    await untilTrue('its child has ended', () => !isAlive(child));
  });

  it('is not there keeps it waiting, until it comes', async () => {
    drop('waits', 'comes');
    await untilEvent(hob, 'default/waits', 'PluginNotFound', /comes.*plugin folder/);
    expect(hob.get('waits')?.status?.phase).toBe('Pending');
    putShellPlugin(hob, 'comes', postStart, '');
    await hob.untilPhase('waits', 'Running');
    await untilCalled(hob, 'comes postStart end');
    hob.remove('waits');
    await untilGone('waits');
  });

  it('takes its time delays no other container', async () => {
    putShellPlugin(hob, 'slow', postConstruction, `*) while [ ! -e ${hob.dir}/go ]; do sleep 0.05; done;;`);
    drop('slow');
    await untilCalled(hob, 'slow postConstruction begin 1');
    hob.drop('quick', { command: runsForever });
    await hob.untilPhase('quick', 'Running');
    expect(hob.get('slow')?.status?.phase).toBe('Constructing');
    hob.remove('slow');
    await untilEvent(hob, 'default/slow', 'HookAborted', /is to stop/);
    await untilGone('slow');
    hob.remove('quick');
  });
});

describe('a hook that fails in', () => {
  const every = postConstruction + preStart + postStart + postStop + preDestruction;
  const begun = (name: string): string[] =>
    callsOf(hob).flatMap((line) =>
      line.startsWith(`${name} `) && line.includes('begin') ? [line.split(' ')[1] ?? ''] : [],
    );

  const beforeTheCommand: [string, string[]][] = [
    ['postConstruction', ['postConstruction', 'preDestruction']],
    ['preStart', ['postConstruction', 'preStart', 'postStop', 'preDestruction']],
  ];
  it.each(beforeTheCommand)('%s keeps the command from running, and is cleaned up after', async (point, calls) => {
    const name = `fails-${point.toLowerCase()}`;
    putShellPlugin(hob, name, every, `${point}) exit 9;;`);
    drop(name);
    await hob.untilPhase(name, 'Backoff');
    expect(begun(name).slice(0, calls.length)).toEqual(calls);
    await untilEvent(hob, `default/${name}`, 'HookFailed', new RegExp(`${point}: it exited with code 9`));
    expect(eventsOf(hob).some(({ container, reason }) => container === `default/${name}` && reason === 'Started')).toBe(
      false,
    );
    hob.remove(name);
    await untilGone(name);
  });

  it('postStart, postStop and preDestruction is told of, and stops nothing', async () => {
    putShellPlugin(hob, 'grumbles', every, 'postStart|postStop|preDestruction) exit 4;;');
    drop('grumbles');
    const { status } = await hob.untilPhase('grumbles', 'Running');
    await untilEvent(hob, 'default/grumbles', 'HookFailed', /postStart: it exited with code 4/);
    expect(hob.get('grumbles')?.status).toMatchObject({ phase: 'Running', pid: status?.pid });
    hob.remove('grumbles');
    await untilGone('grumbles');
    await untilEvent(hob, 'default/grumbles', 'HookFailed', /postStop: it exited with code 4/);
    await untilEvent(hob, 'default/grumbles', 'HookFailed', /preDestruction: it exited with code 4/);
    expect(begun('grumbles')).toEqual(['postConstruction', 'preStart', 'postStart', 'postStop', 'preDestruction']);
  });
});
