import { execFileSync } from 'node:child_process';
import ffi from 'node:ffi';

const CLONE_NEWNET = 0x40000000;

/**
 * Move this process's main thread, and all that it starts from now on (processes and threads), into a network namespace of its own with
 * nothing but a loopback interface that carries multicast. There is no way back: for a test file that is a process of its own.
 */
export function enterNetworkNamespace(): void {
  const { functions } = ffi.dlopen(null, { unshare: { arguments: ['int32'], return: 'int32' } });
  if (functions.unshare(CLONE_NEWNET) !== 0) throw new Error('no network namespace to be had; the tests need root');
  // busybox brings its own `ip`, with less in it than others: no `multicast on`, which loopback does without.
  ip('link', 'set', 'lo', 'up');
}

/** Send all multicast over loopback, and join groups there. */
export const routeMulticast = (): void => ip('route', 'add', '224.0.0.0/4', 'dev', 'lo');
export const unrouteMulticast = (): void => ip('route', 'del', '224.0.0.0/4', 'dev', 'lo');

function ip(...args: string[]): void {
  execFileSync('busybox', ['ip', ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
}
