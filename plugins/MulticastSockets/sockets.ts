/** The plugin's `data`: which sockets a container wants. */

import { isIPv4 } from 'node:net';
import { type DataFields, readData } from 'hob/data';

/** A socket that receives what is sent to a multicast group. */
export interface ServerSocket {
  readonly name: string;
  /** The group, in dotted form. */
  readonly ip: string;
  readonly port: number;
}

/** A socket to send with. */
export interface ClientSocket {
  readonly name: string;
}

export interface Sockets {
  readonly servers: readonly ServerSocket[];
  readonly clients: readonly ClientSocket[];
}

/** Throws an Error that names the field when `data` is not as README.md says. */
export function readSockets(data: unknown): Sockets {
  const fields = readData(data);
  const [serverNames, clientNames] = [new Set<string>(), new Set<string>()];
  const servers = fields.objects('serverSockets')?.map((socket) => readServer(socket, serverNames)) ?? [];
  const clients = fields.objects('clientSockets')?.map((socket) => ({ name: readName(socket, clientNames) })) ?? [];
  fields.end();
  return { servers, clients };
}

function readServer(fields: DataFields, taken: Set<string>): ServerSocket {
  const [name, ip, port] = [readName(fields, taken), fields.string('ip'), fields.integer('port', ports)];
  if (ip === undefined || !isMulticast(ip))
    throw fields.wrong('ip', 'a multicast IPv4 address, 224.0.0.0 to 239.255.255.255');
  if (port === undefined) throw fields.wrong('port', `an integer from ${ports.min} to ${ports.max}`);
  return { name, ip, port };
}

/** Names become a part of the names of environment variables, which shells take no other characters in. */
function readName(fields: DataFields, taken: Set<string>): string {
  const name = fields.string('name');
  if (name === undefined || !/^\w+$/.test(name))
    throw fields.wrong('name', 'a string of letters, digits and "_" (not empty)');
  if (taken.has(name)) throw fields.wrong('name', 'unlike the names before it in this list');
  taken.add(name);
  return name;
}

const ports = { min: 1, max: 65535 };

const isMulticast = (ip: string): boolean => isIPv4(ip) && /^(?:22[4-9]|23\d)\./.test(ip);
