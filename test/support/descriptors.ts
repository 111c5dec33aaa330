import { closeSync, constants, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { dlopen } from 'node:ffi';

/** Descriptors of kinds that Node has no public call for; all close-on-exec. */

const { functions: libc } = dlopen(null, {
  socket: { arguments: ['int32', 'int32', 'int32'], return: 'int32' },
  socketpair: { arguments: ['int32', 'int32', 'int32', 'buffer'], return: 'int32' },
  connect: { arguments: ['int32', 'buffer', 'uint32'], return: 'int32' },
  pipe2: { arguments: ['buffer', 'int32'], return: 'int32' },
});
const [AF_UNIX, AF_INET] = [1, 2];
const CLOEXEC = 0o2000000;
const STREAM = 1;
const kinds = { tcp: STREAM, udp: 2 } as const;

function twoFrom(call: (ends: Buffer) => number): [number, number] {
  const ends = Buffer.alloc(8);
  if (call(ends) < 0) throw new Error('no descriptors to be had');
  return [ends.readInt32LE(0), ends.readInt32LE(4)];
}

/** The end to read from, and the end to write to. */
export const pipe = (): [number, number] => twoFrom((ends) => libc.pipe2(ends, CLOEXEC));

export const socketPair = (): [number, number] =>
  twoFrom((ends) => libc.socketpair(AF_UNIX, STREAM | CLOEXEC, 0, ends));

/** A socket that talks to this port of 127.0.0.1. */
export function socketTo(port: number, kind: keyof typeof kinds): number {
  const fd = libc.socket(AF_INET, kinds[kind] | CLOEXEC, 0);
  const address = Buffer.alloc(16);
  address.writeUInt16LE(AF_INET, 0);
  address.writeUInt16BE(port, 2);
  address.set([127, 0, 0, 1], 4);
  if (libc.connect(fd, address, address.length) < 0) throw new Error(`nobody listens at port ${port}`);
  return fd;
}

/** What is in a pipe: text, '' at its end, undefined as long as somebody may still write. */
export function readNow(fd: number): string | undefined {
  const again = openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY | constants.O_NONBLOCK);
  const buffer = Buffer.alloc(1000);
  try {
    return buffer.toString('latin1', 0, readSync(again, buffer));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined;
    throw error;
  } finally {
    closeSync(again);
  }
}

/** What a process has open, by descriptor. */
export function openIn(pid: number | 'self'): Map<number, string> {
  const directory = `/proc/${pid}/fd`;
  return new Map(
    readdirSync(directory).flatMap((fd): [number, string][] => {
      try {
        return [[Number(fd), readlinkSync(`${directory}/${fd}`)]];
      } catch {
        return []; // the one that the directory was read with
      }
    }),
  );
}
