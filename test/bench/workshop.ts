import { constants, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mkfifo } from '../../src/host/libc.ts';
import { makeRootfs } from '../support/hob.ts';

/** The directories of one run of the benchmarks, and the FIFO through which each container says that its command runs. */
export interface Workshop {
  readonly dir: string;
  readonly rootfs: string;
  /** What the containers execute: they say so first, and then wait for SIGTERM. */
  readonly command: readonly string[];
  readonly mounts: readonly { source: string; destination: string; options: string[] }[];
  /** Of all containers that hob starts here. */
  readonly spec: object;
  /** Resolves when so many containers have said that they run, counted from the call. */
  running(count: number): Promise<void>;
  remove(): void;
}

export function makeWorkshop(): Workshop {
  const dir = mkdtempSync(join(tmpdir(), 'hob-bench-'));
  const rootfs = join(dir, 'rootfs');
  const fifo = join(dir, 'said', 'fifo');
  mkdirSync(join(dir, 'said'));
  makeRootfs(rootfs);
  mkfifo(fifo, 0o666);
  let waiting: { count: number; resolve: () => void } | undefined;
  let said = 0;
  const listener = listen(fifo, (bytes) => {
    said += bytes;
    if (waiting && said >= waiting.count) waiting.resolve();
  });
  const command = ['/bin/sh', '-c', 'trap "exit 0" TERM; echo >/said/fifo; while true; do sleep 3600 & wait; done'];
  const mounts = [{ source: join(dir, 'said'), destination: '/said', options: ['rw', 'bind'] }];
  return {
    dir,
    rootfs,
    command,
    mounts,
    spec: { rootfs: { path: rootfs }, readOnlyRootfs: true, command, mounts },
    running: (count) => {
      said = 0;
      return new Promise((resolve) => (waiting = { count, resolve }));
    },
    remove: () => {
      listener.destroy();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Opened for writing as well, so that it never ends. In the event loop, as a thread that reads here would keep the process from its end. */
function listen(fifo: string, onBytes: (count: number) => void): Socket {
  const fd = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
  return new Socket({ fd, writable: false }).on('data', (chunk) => onBytes(chunk.length));
}
