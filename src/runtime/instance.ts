import { closeSync } from 'node:fs';
import { isPid as canBePid } from '../host/libc.ts';
import type { InstanceRecord } from './instance/files.ts';
import type { InstancePaths, SignalKind } from './instance/paths.ts';
import { asRecord, parseRecord } from './json.ts';
import type { Exit } from './runtime.ts';
import { readSmall } from './small-file.ts';

/** What the small files have told so far. None of it is ever taken back. */
export interface Facts {
  /** The shell around crun; it is also the id of their process group. */
  shellPid?: number;
  /** What crun exited with. It is not always how the container ended: crun may have been killed. */
  crunCode?: number;
  /** The init that waits with crun for the preStart verdict. */
  createdPid?: number;
  /** The init, when its command is about to run. */
  pid?: number;
}

/** The process that the container lives and dies with. */
export interface Init {
  readonly pid: number;
  /** With the pid, its identity. 0 when it was gone before anybody could look. */
  readonly startTime: number;
  /** Also its identity, and after its end the kernel's word on how it ended. */
  readonly pidfd?: number;
}

/** One instance, as this hob follows it. */
export interface Instance {
  readonly id: string;
  readonly paths: InstancePaths;
  readonly record: InstanceRecord;
  readonly facts: Facts;
  /** Begun by this hob; otherwise its processes have yet to prove that they are what the files say. */
  readonly begun: boolean;
  /** The log, to the keeper. */
  attached: Promise<void>;
  drained?: Promise<void>;
  init?: Init;
  exit?: Exit;
  /** What crun wrote of it when it ran, for the case that somebody deletes that. Empty when it had been deleted before hob could read it. */
  crunStatus?: string;
  /** The preStart verdict was given. */
  answered: boolean;
  /** Something may have happened that no file tells of. */
  suspected: boolean;
  /** Nobody's: it was to be removed, and is there for as long as that did not succeed. */
  strange?: true;
  /** The limits that were wrong just after hob had set them: this kernel makes that of what it is told. */
  unmendable?: readonly string[];
  /** Look at one of the small files again. */
  read(kind: SignalKind): void;
  /** Let everybody who waits look again. */
  wake(): void;
  /** Resolves after the next `wake`. Rejects with the reason of `signal`. */
  changed(signal: AbortSignal): Promise<void>;
}

export function followInstance(
  id: string,
  paths: InstancePaths,
  record: InstanceRecord,
  { begun }: Pick<Instance, 'begun'>,
): Instance {
  const facts: Facts = {};
  let waiting: (() => void)[] = [];

  const readOne = (kind: SignalKind): void => void Object.assign(facts, readers[kind](readSmall(paths.signals[kind])));

  function read(kind: SignalKind): void {
    readOne(kind);
    // All that was before crun's end is in the files by now, though the word of it may still be under way.
    if (facts.crunCode === undefined || facts.pid !== undefined) return;
    readOne('created');
    readOne('pid');
  }

  function wake(): void {
    const woken = waiting;
    waiting = [];
    for (const resolve of woken) resolve();
  }

  async function changed(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const woken = new Promise<void>((resolve) => waiting.push(resolve));
    signal.addEventListener('abort', wake);
    await woken;
    signal.removeEventListener('abort', wake);
    signal.throwIfAborted();
  }

  return {
    id,
    paths,
    record,
    begun,
    facts,
    attached: Promise.resolve(),
    answered: false,
    suspected: false,
    read,
    wake,
    changed,
  };
}

/** A line without its newline may be half of one. */
const readers: Record<SignalKind, (text: string) => Facts> = {
  shell: (text) => {
    const [pid, code] = text.split('\n').slice(0, -1).map(numberIn);
    return { ...(isPid(pid) && { shellPid: pid }), ...(isPid(pid) && isExitCode(code) && { crunCode: code }) };
  },
  created: (text) => {
    const { pid } = text.endsWith('\n') ? asRecord(parseRecord(text)) : {};
    return isPid(pid) ? { createdPid: pid } : {};
  },
  // crun writes no newline, but the number in one piece.
  pid: (text) => {
    const pid = numberIn(text);
    return isPid(pid) ? { pid } : {};
  },
};

/** What is no number in digits is no word of the shell's or of crun's. */
const numberIn = (text: string): number => (/^\d+$/.test(text) ? Number(text) : NaN);
const isPid = (value: unknown): value is number => typeof value === 'number' && canBePid(value);
const isExitCode = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value <= 255;

/** Let go of the pidfd. The init stays known. */
export function forgetPidfd(instance: Instance): void {
  if (instance.init?.pidfd === undefined) return;
  const { pidfd, ...init } = instance.init;
  closeSync(pidfd);
  instance.init = init;
}
