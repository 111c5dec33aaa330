import fs from 'node:fs';

/** One moment of a process: just before an effect, or just after it. */
export interface Mark {
  /** Where in the code, and what: `file: mkdirSync at src/runtime/instance/files.ts:48`. */
  readonly point: string;
  /** What it is about at this time: `crun kill`, `config.json`. */
  readonly detail: string;
  readonly phase: 'before' | 'after';
}

export type ProcessName = 'hob' | 'keeper';

/** What a process of hob is to do at one of its marks, or that all are to write down theirs. */
export interface Plan {
  /** Marks are counted anew for each. */
  readonly id: string;
  /** Write every mark, a JSON line each, to the file of this name and `.hob` or `.keeper`. */
  readonly trace?: string;
  readonly faults?: readonly Fault[];
}

export interface Fault {
  readonly process: ProcessName;
  readonly mark: Mark;
  /** The first time is 1. */
  readonly occurrence: number;
  /** kill: the process is dead. fail: the effect is an error, and is not done (before) or done all the same (after). hang: it takes long, or for ever. */
  readonly action: 'kill' | 'fail' | 'hang';
}

export const keyOf = ({ point, detail, phase }: Mark): string => `${phase} ${point} ${detail}`;

/** Of this process: `hob` or `keeper`. */
const self = process.argv.some((argument) => argument.endsWith('/keeper/main.ts')) ? 'keeper' : 'hob';
// Taken before they are wrapped.
const { readFileSync, openSync, writeSync, closeSync } = fs;
const planFile = process.env['HOB_WALK_PLAN'] ?? '';

let counted = { id: '', times: new Map<string, number>() };

/** What is to happen at this mark. Reads the plan each time: the processes outlive many plans. A kill does not return. */
export function happensAt(mark: Mark): 'nothing' | 'fail' | 'hang' {
  const plan = readPlan();
  if (!plan) return 'nothing';
  if (counted.id !== plan.id) counted = { id: plan.id, times: new Map() };
  const key = keyOf(mark);
  const times = (counted.times.get(key) ?? 0) + 1;
  counted.times.set(key, times);
  if (plan.trace !== undefined)
    append(`${plan.trace}.${self}`, JSON.stringify({ ...mark, occurrence: times, at: performance.now() }));
  const fault = plan.faults?.find(
    ({ process, mark: at, occurrence }) => process === self && keyOf(at) === key && occurrence === times,
  );
  // Who died has a successor, which gets there as well.
  if (!fault || hasFired(plan)) return 'nothing';
  append(`${planFile}.fired`, `${plan.id} ${self}`);
  return fault.action === 'kill' ? die() : fault.action;
}

function hasFired({ id }: Plan): boolean {
  try {
    return readFileSync(`${planFile}.fired`, 'utf8').split('\n').includes(`${id} ${self}`);
  } catch {
    return false;
  }
}

/** Node's own `appendFileSync` calls others that are wrapped. */
function append(path: string, line: string): void {
  const fd = openSync(path, 'a');
  writeSync(fd, `${line}\n`);
  closeSync(fd);
}

function readPlan(): Plan | undefined {
  try {
    return JSON.parse(readFileSync(planFile, 'utf8')) as Plan;
  } catch {
    return undefined;
  }
}

const kill = process.kill.bind(process);

function die(): never {
  kill(process.pid, 'SIGKILL');
  for (;;) sleep(1000);
}

/** With the whole thread, as a call that the kernel keeps waiting. */
export function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
