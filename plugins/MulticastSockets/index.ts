/**
 * MulticastSockets: gives a container without rights on the network UDP sockets that were opened on the host, to receive multicast
 * with and to send it. See README.md.
 */

import { HintFlags } from 'hob/hint-flags';
import type { Plugin, StartState } from 'hob/plugin';
import { readSockets, type Sockets } from './sockets.ts';
import { closeSocket, openClientSocket, openServerSocket } from './udp.ts';

const NAME = 'MulticastSockets';

/** An open socket, and the environment variable that tells the container its number. */
interface Opened {
  readonly variable: string;
  readonly fd: number;
}

const plugin: Plugin = {
  name: NAME,
  hookHints: HintFlags.PostConstructionSync,

  postConstruction(_id, startState, _rootfsPath, data) {
    const sockets = readSockets(data);
    const opened: Opened[] = [];
    try {
      // All before the first is handed over: a container gets all of its sockets or does not start.
      for (const socket of openAll(sockets)) opened.push(socket);
      for (const socket of opened) handOver(startState, socket);
      return true;
    } finally {
      // The start state has copies of those it took.
      for (const { fd } of opened) closeSocket(fd);
    }
  },
};

export default plugin;

function* openAll({ servers, clients }: Sockets): Generator<Opened> {
  for (const server of servers)
    yield { variable: `MCAST_SERVER_SOCKET_${server.name}_FD`, fd: openServerSocket(server) };
  for (const { name } of clients) yield { variable: `MCAST_CLIENT_SOCKET_${name}_FD`, fd: openClientSocket(name) };
}

function handOver(startState: StartState, { variable, fd }: Opened): void {
  const number = startState.addFileDescriptor(NAME, fd);
  if (number < 0) throw new Error(`no file descriptor for ${variable}: hob did not take it, and says why in its log`);
  if (!startState.addEnvironmentVariable(`${variable}=${number}`))
    throw new Error(`no environment variable ${variable}: hob did not take it, and says why in its log`);
}
