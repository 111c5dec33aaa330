import net from 'node:net';
import type { Socket } from 'node:net';
import { basename } from 'node:path';
import { happensAt } from './plan.ts';

interface Message {
  readonly id?: number;
  readonly op?: string;
  readonly argv?: readonly string[];
  readonly event?: string;
}

/** Every message between hob and its keeper, on both sides. A fault is a connection that breaks; a hang is a message that never comes. */
export function wrapKeeperMessages(): void {
  const { connect, createServer } = net;
  const patched = net as unknown as Record<'connect' | 'createServer', (...args: readonly unknown[]) => unknown>;
  patched.connect = (...args) => {
    const socket = (connect as (...all: readonly unknown[]) => Socket)(...args);
    if (JSON.stringify(args[0] ?? '').includes('keeper.sock')) watch(socket);
    return socket;
  };
  patched.createServer = (...args) => {
    const server = (createServer as unknown as (...all: readonly unknown[]) => net.Server)(...args);
    // Before the listener of the server's own, which reads from it at once.
    server.prependListener('connection', watch);
    return server;
  };
}

function watch(socket: Socket): void {
  /** What each request was, by its number, to name its answer. */
  const requests = new Map<number, string>();
  const name = (bytes: unknown): string => nameOf(String(bytes), requests);
  const pass = (point: string, phase: 'before' | 'after', go: () => void): void => {
    const [head = '', ...rest] = point.split(' | ');
    const fate = happensAt({ point: `keeper: ${head}`, detail: rest.join(' '), phase });
    if (fate === 'fail') socket.destroy();
    else if (fate === 'nothing') go();
  };
  const write = socket.write.bind(socket) as (...args: readonly unknown[]) => boolean;
  socket.write = (...args: readonly unknown[]) => {
    const point = `send ${name(args[0])}`;
    let sent = true;
    pass(point, 'before', () => (sent = write(...args)));
    pass(point, 'after', () => undefined);
    return sent;
  };
  const emit = socket.emit.bind(socket) as (...args: readonly unknown[]) => boolean;
  socket.emit = ((...args: readonly unknown[]) => {
    if (args[0] !== 'data') return emit(...args);
    const point = `receive ${name(args[1])}`;
    pass(point, 'before', () => emit(...args));
    pass(point, 'after', () => undefined);
    return true;
  }) as Socket['emit'];
}

/** Several messages may come in one piece: the first gives the name. */
function nameOf(text: string, requests: Map<number, string>): string {
  const names = text.split('\n').flatMap((line) => (line.trim() === '' ? [] : nameOfLine(line, requests)));
  return names[0] ?? 'nothing';
}

function nameOfLine(line: string, requests: Map<number, string>): string[] {
  try {
    const { id = 0, op, argv, event } = JSON.parse(line) as Message;
    if (event !== undefined) return [`${event}`];
    if (op === undefined) return [`answer to ${requests.get(id) ?? 'an unknown request'}`];
    const named = argv ? `${op} | ${programOf(argv)}` : op;
    requests.set(id, named);
    return [named];
  } catch {
    return ['part of a message'];
  }
}

/** `crun kill`, `greeter postStop`. */
function programOf(argv: readonly string[]): string {
  const [program = '', ...args] = argv;
  if (program === '/bin/sh') return 'crun run';
  const verb = basename(program) === 'crun' ? args[2] : args[0];
  return `${basename(program)} ${verb ?? ''}`.trimEnd();
}
