import type { AddedFd } from './additions.ts';

/**
 * The file descriptors that plugins add to one container, in memory that hob and the plugins' threads share: each thread has to
 * know at once which number its descriptor gets, and a descriptor must not be lost when its thread is ended.
 */
export interface FdTable {
  /** One slot a descriptor, 0 where there is none, with the bit `HELD` for those to be held. Slot n is number 3 + n in the container. */
  readonly fds: Int32Array<SharedArrayBuffer>;
  /** The plugin name that each is recorded under: a length byte, then UTF-8. */
  readonly names: Uint8Array<SharedArrayBuffer>;
}

/** As many as crun takes (and Dobby: 128). */
export const MAX_FDS = 128;
const FIRST_NUMBER = 3;
const NAME_BYTES = 256;
/** In the same number as the descriptor, so that both are there or none. No descriptor is as large. */
const HELD = 1 << 30;

export function createFdTable(): FdTable {
  return {
    fds: new Int32Array(new SharedArrayBuffer(MAX_FDS * Int32Array.BYTES_PER_ELEMENT)),
    names: new Uint8Array(new SharedArrayBuffer(MAX_FDS * NAME_BYTES)),
  };
}

/**
 * Record a descriptor (never 0) in the first free slot; one atomic step, so there is no hole whatever happens to the thread.
 * @returns its number inside the container, or undefined when the table is full
 */
export function recordFd(table: FdTable, pluginName: string, { fd, hold }: AddedFd): number | undefined {
  for (let slot = 0; slot < MAX_FDS; slot++) {
    if (Atomics.compareExchange(table.fds, slot, 0, hold ? fd | HELD : fd) !== 0) continue;
    writeName(table, slot, pluginName);
    return FIRST_NUMBER + slot;
  }
  return undefined;
}

/** The descriptors in the order of their numbers; with a name, only those recorded under it. */
export function recordedFds(table: FdTable, pluginName?: string): AddedFd[] {
  const slots = [...table.fds.keys()].filter((slot) => Atomics.load(table.fds, slot) !== 0);
  return slots
    .filter((slot) => pluginName === undefined || readName(table, slot) === cut(pluginName).toString())
    .map((slot) => Atomics.load(table.fds, slot))
    .map((entry) => ({ fd: entry & ~HELD, hold: (entry & HELD) !== 0 }));
}

function writeName({ names }: FdTable, slot: number, name: string): void {
  const bytes = cut(name);
  names.set(bytes, slot * NAME_BYTES + 1);
  // Last, so that another thread sees all of the name or none of it.
  Atomics.store(names, slot * NAME_BYTES, bytes.length);
}

function readName({ names }: FdTable, slot: number): string {
  const start = slot * NAME_BYTES + 1;
  const length = Atomics.load(names, slot * NAME_BYTES);
  return Buffer.from(names.slice(start, start + length)).toString();
}

const cut = (name: string): Buffer => Buffer.from(name).subarray(0, NAME_BYTES - 1);
