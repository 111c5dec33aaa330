import { lstatSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { codeOf, wordsOf } from '../../host/errors.ts';

/** A unix socket's path has to fit into the kernel's structure with its terminating NUL. */
const longestPath = 107;

/**
 * Listen on a unix socket that only its owner may connect to. The socket of a hob that died is replaced.
 * @throws Error when another hob answers there, or the place cannot be used
 */
export async function listenPrivately(server: Server, path: string): Promise<void> {
  if (Buffer.byteLength(path) > longestPath) {
    throw new Error(`the socket's path is longer than ${longestPath} bytes: ${path}; choose a shorter --run-dir`);
  }
  try {
    await listen(server, path);
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE') throw cannotListen(path, error);
    await removeStale(path);
    await listen(server, path).catch((again: unknown) => Promise.reject(cannotListen(path, again)));
  }
}

function listen(server: Server, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  // The socket is made within `listen`; with a mode set afterwards others could connect in between.
  const mask = process.umask(0o177);
  try {
    server.listen(path, resolve);
  } finally {
    process.umask(mask);
  }
  return promise.finally(() => server.off('error', reject));
}

async function removeStale(path: string): Promise<void> {
  if (!lstatSync(path).isSocket())
    throw new Error(`${path} is there and no socket; move it away or choose another --run-dir`);
  if (await answers(path))
    throw new Error(`another hob answers at ${path}; give this one its own --run-dir and --state-dir`);
  unlinkSync(path);
}

function answers(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(path, () => resolve(true));
  // A full queue of connections (EAGAIN) is a live hob, too.
  socket.on('error', (error) => resolve(codeOf(error) !== 'ECONNREFUSED'));
  return promise.finally(() => socket.destroy());
}

function cannotListen(path: string, error: unknown): Error {
  return new Error(`cannot listen on ${path}: ${wordsOf(error)}; hob must be able to write this folder (--run-dir)`, {
    cause: error,
  });
}
