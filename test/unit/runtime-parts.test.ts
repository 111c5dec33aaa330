import { describe, expect, it } from 'vitest';
import { parseProcessStat } from '../../src/runtime/instance/proc.ts';
import { signalName, signalNumber, signalOfExitCode } from '../../src/runtime/signal-names.ts';
import { createSlots } from '../../src/runtime/start/slots.ts';
import { createTimeLimit } from '../../src/runtime/start/time-limit.ts';

const never = new AbortController().signal;

describe('slots', () => {
  it('are given to so many, then in turn', async () => {
    const slots = createSlots(2);
    const entered: string[] = [];
    const enter = async (name: string) => {
      const leave = await slots.take(never);
      entered.push(name);
      return leave;
    };
    const leaveFirst = await enter('first');
    await enter('second');
    const third = enter('third');
    const fourth = enter('fourth');
    await Promise.resolve();
    expect(entered).toEqual(['first', 'second']);
    leaveFirst();
    leaveFirst();
    (await third)();
    await fourth;
    expect(entered).toEqual(['first', 'second', 'third', 'fourth']);
  });

  it('are not lost to those who gave up waiting', async () => {
    const slots = createSlots(1);
    const leave = await slots.take(never);
    const impatient = new AbortController();
    const waiting = slots.take(impatient.signal);
    const after = slots.take(never);
    impatient.abort(new Error('no longer wanted'));
    await expect(waiting).rejects.toThrow('no longer wanted');
    await expect(slots.take(impatient.signal)).rejects.toThrow('no longer wanted');
    leave();
    (await after)();
    await expect(slots.take(never)).resolves.toBeTypeOf('function');
  });
});

describe('a time limit', () => {
  it('that is stopped never ends', async () => {
    let ended = false;
    const stopped = createTimeLimit(1, () => (ended = true));
    stopped.run();
    stopped.stop();
    await new Promise<void>((resolve) => createTimeLimit(5, resolve).run());
    expect([ended, stopped.isOver()]).toEqual([false, false]);
  });

  it('can be run again', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const limit = createTimeLimit(1, resolve);
    limit.run();
    limit.stop();
    limit.run();
    await promise;
    expect(limit.isOver()).toBe(true);
  });
});

describe('signals', () => {
  it.each([
    ['SIGTERM', 15],
    ['SIGKILL', 9],
    ['SIGRTMIN', 34],
    ['SIGRTMIN+3', 37],
    ['SIGRTMAX-1', 63],
  ])('%s is %i', (name, number) => {
    expect(signalNumber(name)).toBe(number);
    expect(signalNumber(signalName(number) ?? '')).toBe(number);
  });

  it.each(['TERM', 'SIGNO', '', '9', 'toString'])('there is no signal %j', (name) => {
    expect(() => signalNumber(name)).toThrow('there is no signal');
  });

  it.each([
    [137, 'SIGKILL'],
    [143, 'SIGTERM'],
    [0, undefined],
    [128, undefined],
    [255, undefined],
  ])('exit code %i stands for %s', (code, signal) => {
    expect(signalOfExitCode(code)).toBe(signal);
  });
});

describe('the kernel on a process', () => {
  const line = (flags: number, exit: number) =>
    `4711 (a) R (b) S 1 4711 4711 0 -1 ${flags} 163 0 0 0 0 0 0 0 20 0 1 0 987654 7315456 217 18446744073709551615 1 1 0 0 0 0 0 4096 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 ${exit}\n`;

  it('tells a copy of its parent from a program of its own', () => {
    expect(parseProcessStat(line(0x400040, 0)).executed).toBe(false);
    expect(parseProcessStat(line(0x400000, 0)).executed).toBe(true);
  });

  it('is read right whatever the program is called', () => {
    expect(parseProcessStat(line(0, 1280))).toEqual({
      state: 'S',
      parent: 1,
      startTime: 987654,
      executed: true,
      waitStatus: 1280,
    });
  });
});
