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
  /** Each comes once. */
  readonly faults?: readonly (Fault | FirstFault)[];
}

export interface Fault {
  readonly process: ProcessName;
  readonly mark: Mark;
  /** The first time in the life of a process is 1. */
  readonly occurrence: number;
  /**
   * kill: the process is dead. fail: the effect is an error and is not done; of a message, that what carries it breaks. hang: it never comes to
   * an end; only what the whole thread waits for takes long instead, as for ever would be a process that somebody has to kill.
   */
  readonly action: 'kill' | 'fail' | 'hang';
}

/** A fault at the first mark of a kind, wherever that is in a file: `file: writeSync at src/keeper/rotating-file.ts`. */
export interface FirstFault extends Pick<Fault, 'process' | 'action'>, Pick<Mark, 'phase'> {
  /** What the point begins with. */
  readonly point: string;
}

/** A line for each message that did not come through, though both sides live on: who waited for an answer may ask again. */
export const cutsFile = (planFile: string): string => `${planFile}.cuts`;

export const keyOf = ({ point, detail, phase }: Mark): string => `${phase} ${point} ${detail}`;

/** Of this process: `hob` or `keeper`. */
const self = process.argv.some((argument) => argument.endsWith('/keeper/main.ts')) ? 'keeper' : 'hob';
// Taken before they are wrapped.
const { readFileSync, openSync, writeSync, closeSync } = fs;
const planFile = process.env['HOB_WALK_PLAN'] ?? '';
/** The faults that came, a line each: the plan's id, and which of its faults. */
const firedFile = `${planFile}.fired`;

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
  const isDue = (fault: Fault | FirstFault, index: number): boolean =>
    fault.process === self && isAt(fault, mark, times) && !hasFired(plan.id, index);
  const index = plan.faults?.findIndex(isDue) ?? -1;
  const fault = plan.faults?.[index];
  if (!fault) return 'nothing';
  append(firedFile, `${plan.id} ${index}`);
  if (fault.action !== 'kill' && isMessage(mark)) append(cutsFile(planFile), plan.id);
  return fault.action === 'kill' ? die() : fault.action;
}

const isMessage = ({ point }: Mark): boolean => /^(keeper|hook): /.test(point);

const isAt = (fault: Fault | FirstFault, mark: Mark, times: number): boolean =>
  'mark' in fault
    ? keyOf(fault.mark) === keyOf(mark) && fault.occurrence === times
    : fault.phase === mark.phase && mark.point.startsWith(fault.point);

/** Who died has a successor, which gets there as well. */
function hasFired(id: string, index: number): boolean {
  try {
    return readFileSync(firedFile, 'utf8').split('\n').includes(`${id} ${index}`);
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
