import { constants } from 'node:os';

/** Names as in `kill -l`, with SIG in front; the real-time ones as SIGRTMIN+n and SIGRTMAX-n. */
const numbers: Readonly<Record<string, number>> = constants.signals;
const firstRealTime = 34;
const lastRealTime = 64;

/** @throws Error when there is no such signal */
export function signalNumber(name: string): number {
  const known = numbers[name] ?? realTimeNumber(name);
  if (known === undefined) throw new Error(`there is no signal "${name}"`);
  return known;
}

function realTimeNumber(name: string): number | undefined {
  const [, end, by = '0'] = /^SIGRT(MIN|MAX)(?:[+-](\d+))?$/.exec(name) ?? [];
  if (end === undefined) return undefined;
  return end === 'MIN' ? firstRealTime + Number(by) : lastRealTime - Number(by);
}

export function signalName(number: number): string | undefined {
  const known = Object.keys(numbers).find((name) => numbers[name] === number);
  if (known !== undefined) return known;
  return number >= firstRealTime && number <= lastRealTime ? `SIGRTMIN+${number - firstRealTime}` : undefined;
}

/** By the convention of shells, 128 + n stands for signal n. */
export const signalOfExitCode = (code: number): string | undefined => signalName(code - 128);
