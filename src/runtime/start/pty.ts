import { closeSync, constants, openSync } from 'node:fs';

/** A terminal that nobody sits at. Its two ends are descriptors of this process, with close-on-exec set. */
export interface Pty {
  /** As long as somebody holds it, the terminal does not hang up. */
  readonly master: number;
  readonly slave: number;
}

export function closePty({ master, slave }: Pty): void {
  closeSync(master);
  closeSync(slave);
}

const TIOCSPTLCK = 0x40045431n;
const TIOCGPTN = 0x80045430n;

/** @throws Error when the host has no (more) terminals */
export function openPty(): Pty {
  const master = openSync('/dev/ptmx', constants.O_RDWR | constants.O_NOCTTY);
  try {
    control(master, TIOCSPTLCK, 0);
    const number = control(master, TIOCGPTN, 0);
    return { master, slave: openSync(`/dev/pts/${number}`, constants.O_RDWR | constants.O_NOCTTY) };
  } catch (error) {
    closeSync(master);
    throw error;
  }
}

/** ioctl(2) with a pointer to an int, which it answers changed or not. */
function control(fd: number, request: bigint, value: number): number {
  const ffi = process.getBuiltinModule('node:ffi');
  const { ioctl } = ffi.dlopen(null, {
    ioctl: { arguments: ['int32', 'uint64', 'buffer'], return: 'int32' },
  }).functions;
  const int = Buffer.alloc(4);
  int.writeInt32LE(value);
  if (ioctl(fd, request, int) < 0) throw new Error('/dev/ptmx gives no terminal');
  return int.readInt32LE();
}
