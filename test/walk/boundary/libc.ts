import ffi from 'node:ffi';
import { constants } from 'node:os';
import { libcEffects, libcSyscalls } from './effects.ts';
import { withoutNumbers } from './files.ts';
import { wrapSync } from './wrap.ts';
import type { Kind } from './wrap.ts';

type Args = readonly unknown[];
type Call = (...args: Args) => unknown;

class LibcFault extends Error {}

/** What is done through libc: mounts, FIFOs, signals. A fault is errno EIO. */
export function wrapLibc(): void {
  let failed = false;
  const { dlopen, getInt32 } = ffi;
  const refusing =
    (call: Call): Call =>
    (...args) => {
      failed = false;
      try {
        return call(...args);
      } catch (error) {
        if (!(error instanceof LibcFault)) throw error;
        failed = true;
        return typeof args[0] === 'bigint' ? -1n : -1;
      }
    };
  // errno is read right after the call that failed.
  const patched = ffi as unknown as Record<'dlopen' | 'getInt32', Call>;
  patched.getInt32 = (...args) => (failed ? constants.errno.EIO : (getInt32 as Call)(...args));
  patched.dlopen = (...args) => {
    const library = (dlopen as unknown as Call)(...args) as { functions: Record<string, Call> };
    const functions = { ...library.functions };
    for (const name of [...libcEffects, 'syscall']) {
      const run = functions[name];
      if (run) functions[name] = refusing(wrapSync(kindOf(name), run));
    }
    return { ...library, functions };
  };
}

const kindOf = (name: string): Kind<Args> => ({
  name: ([number]) => (name === 'syscall' ? syscallName(number) : `${name === 'mkfifo' ? 'file' : 'mount'}: ${name}`),
  detail: (args) =>
    args
      .flatMap((argument) =>
        typeof argument === 'string' ? withoutNumbers(argument.slice(argument.lastIndexOf('/') + 1)).slice(0, 40) : [],
      )
      .join(' '),
  sited: false,
  error: (point) => new LibcFault(point),
});

function syscallName(number: unknown): string | undefined {
  const name = libcSyscalls[String(number)];
  return name === undefined ? undefined : `signal: ${name}`;
}
