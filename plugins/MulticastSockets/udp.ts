/**
 * UDP sockets as bare file descriptors (close-on-exec), which Node's own sockets never are. The calls return at once: there is no name
 * to look up and no peer to wait for.
 *
 * Failures are Errors in words for people that name the socket; nothing is left open then.
 */

import ffi from 'node:ffi';
import { getSystemErrorMap } from 'node:util';
import type { ServerSocket } from './sockets.ts';

/** The process's own symbols: libc is linked into Node already, whatever its file is called on this system. */
const { functions: libc } = ffi.dlopen(null, {
  __errno_location: { arguments: [], return: 'pointer' },
  socket: { arguments: ['int32', 'int32', 'int32'], return: 'int32' },
  bind: { arguments: ['int32', 'buffer', 'uint32'], return: 'int32' },
  close: { arguments: ['int32'], return: 'int32' },
  setsockopt: { arguments: ['int32', 'int32', 'int32', 'buffer', 'uint32'], return: 'int32' },
});

/** From <sys/socket.h> and <netinet/in.h>, as they are on x86-64 and arm64. */
const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const IPPROTO_IP = 0;
const IP_MULTICAST_TTL = 33;
const IP_ADD_MEMBERSHIP = 35;
const IP_MULTICAST_ALL = 49;

const ANY_INTERFACE = '0.0.0.0';
/** As far as the hosts of the same network. */
const TTL = 1;

/** A socket that is bound to the port and has joined the group, on the interface that the host's routes choose. */
export function openServerSocket({ name, ip, port }: ServerSocket): number {
  return openSocket(`server socket ${name}`, (fd) => {
    // Others may receive at this port, too: more containers, or a program of the host.
    check(libc.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, int(1), 4), 'setsockopt SO_REUSEADDR');
    check(libc.bind(fd, socketAddress(port), 16), `port ${port}`);
    // Otherwise it would also get what is sent to this port of any group that somebody else on the host has joined.
    check(libc.setsockopt(fd, IPPROTO_IP, IP_MULTICAST_ALL, int(0), 4), 'setsockopt IP_MULTICAST_ALL');
    const membership = Buffer.concat([address(ip), address(ANY_INTERFACE)]);
    check(libc.setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, membership, 8), `joining ${ip}`);
  });
}

/** A socket that is bound to nothing yet: the kernel gives it a port when it first sends. */
export const openClientSocket = (name: string): number => openSocket(`client socket ${name}`, () => undefined);

/** Node's own `closeSync` would warn of a descriptor that it has not opened. */
export const closeSocket = (fd: number): void => void libc.close(fd);

function openSocket(what: string, setUp: (fd: number) => void): number {
  let fd: number | undefined;
  try {
    fd = check(libc.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), 'opening it');
    check(libc.setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, int(TTL), 4), 'setsockopt IP_MULTICAST_TTL');
    setUp(fd);
    return fd;
  } catch (error) {
    if (fd !== undefined) closeSocket(fd);
    throw new Error(`${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** The result of the call just made, unless that failed. */
function check(result: number, what: string): number {
  if (result >= 0) return result;
  const errno = ffi.getInt32(libc.__errno_location(), 0);
  const [code, words] = getSystemErrorMap().get(-errno) ?? [`errno ${errno}`, 'unknown error'];
  throw new Error(`${what}: ${words} (${code})${cures.get(code) ?? ''}`);
}

const cures = new Map([
  [
    'ENODEV',
    '; no route of the host leads there, so there is no interface to join it on. Cure: ip route add 224.0.0.0/4 dev INTERFACE',
  ],
  ['EADDRINUSE', '; a program of the host has it and does not share it. Cure: end that program, or take another port'],
]);

/** struct sockaddr_in */
function socketAddress(port: number): Buffer {
  const buffer = Buffer.alloc(16);
  buffer.writeUInt16LE(AF_INET, 0);
  buffer.writeUInt16BE(port, 2);
  return buffer;
}

/** struct in_addr */
const address = (ip: string): Buffer => Buffer.from(ip.split('.').map(Number));

function int(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32LE(value);
  return buffer;
}
