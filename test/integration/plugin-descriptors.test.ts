import { once } from 'node:events';
import { closeSync, constants, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openIn, readNow } from '../support/descriptors.ts';
import { keeperOf, putModulePlugin } from '../support/faults.ts';
import { isAlive, parentOf } from '../support/processes.ts';
import { testHob, untilTrue } from '../support/hob.ts';

/** What the plugins of a whole hob give to containers, from end to end. */
const hob = testHob();
const fifo = (id: string): string => join(hob.dir, `${id}.fifo`);

/** Gives `count` ends of a FIFO of the container's own, and tells their numbers as NAME_1, NAME_2, ... */
const giver = (hints: string, name: string, count: number, options: string): string => `
  hookHints: ${hints},
  async postConstruction(id, state, rootfs, data) {
    const { openSync, closeSync, existsSync } = process.getBuiltinModule('fs');
    const path = '${hob.dir}/' + id + '.fifo';
    if (!existsSync(path)) process.getBuiltinModule('child_process').execFileSync('mkfifo', [path]);
    for (let i = 1; i <= ${count}; i++) {
      const fd = openSync(path, 'r+');
      state.addEnvironmentVariable('${name}_' + i + '=' + state.addFileDescriptor('${name}', fd, ${options}));
      closeSync(fd);
    }
    return true;
  }`;

beforeAll(async () => {
  await hob.start();
  putModulePlugin(hob, 'pipes', giver('1', 'PIPE', 2, '{}'));
  putModulePlugin(hob, 'morePipes', giver('1 << 16', 'MORE', 3, 'undefined'));
  putModulePlugin(hob, 'held', giver('1', 'HELD', 1, '{ hold: true }'));
  putModulePlugin(
    hob,
    'mixed',
    `hookHints: 1, async postConstruction(id, state, rootfs, { path, port }) {
      const file = process.getBuiltinModule('fs').openSync(path, 'r');
      const socket = process.getBuiltinModule('net').connect(port, '127.0.0.1');
      await new Promise((resolve) => socket.once('connect', resolve));
      state.addEnvironmentVariable('FILE=' + state.addFileDescriptor('mixed', file));
      state.addEnvironmentVariable('SOCKET=' + state.addFileDescriptor('mixed', socket._handle.fd));
      socket.destroy();
      process.getBuiltinModule('fs').closeSync(file);
      return true;
    }`,
  );
  await untilTrue('the plugins are there', () =>
    ['pipes', 'morePipes', 'held', 'mixed'].every((name) => hob.tryCli('plugins').stdout.includes(name)),
  );
});
afterAll(() => hob.dispose());

const shell = (script: string): string[] => ['/bin/sh', '-c', script];
const uses = (...names: string[]): object[] => names.map((name) => ({ name }));

/** Those of hob and of its keeper that are open on it. */
const openOn = (target: string): string[] =>
  [hob.pid, keeperOf(hob)].flatMap((pid) => [...openIn(pid).values()].filter((name) => name.startsWith(target)));

it('thirty containers with five from two plugins each, at once: each writes to its own, all is closed again', async () => {
  const names = Array.from({ length: 30 }, (_, index) => `many-${index}`);
  const script = 'for fd in $PIPE_1 $PIPE_2 $MORE_1 $MORE_2 $MORE_3; do echo $fd >&$fd; done; sleep 1000';
  for (const name of names)
    hob.drop(name, { command: shell(script), plugins: uses('pipes', 'morePipes'), terminationGracePeriodSeconds: 0 });
  await untilTrue('all run', () => hob.all().filter(({ status }) => status?.phase === 'Running').length === 30);
  for (const name of names) {
    // While the container has it open, nothing in it is lost.
    const reader = openSync(fifo(name), constants.O_RDONLY | constants.O_NONBLOCK);
    let heard = '';
    await untilTrue(`${name} has written to all`, () => (heard += readNow(reader) ?? '').split('\n').length === 6);
    expect(heard.trim().split('\n').toSorted()).toEqual(['3', '4', '5', '6', '7']);
    closeSync(reader);
  }
  expect(openOn(join(hob.dir, 'many-'))).toEqual([]);
  names.forEach((name) => hob.remove(name));
  await untilTrue('all are gone', () => hob.all().length === 0);
});

it('a file and a TCP connection from one plugin, a FIFO from another', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connected = once(server, 'connection');
  const data = { path: join(hob.dir, 'given'), port: (server.address() as AddressInfo).port };
  writeFileSync(data.path, 'from a file\n');
  hob.drop('mixed', {
    command: shell('cat <&$FILE; echo from the container >&$SOCKET; sleep 1000'),
    plugins: [...uses('pipes'), { name: 'mixed', data }],
    terminationGracePeriodSeconds: 0,
  });
  const [connection] = (await connected) as [Socket];
  const [bytes] = (await once(connection, 'data')) as [Buffer];
  expect(bytes.toString()).toBe('from the container\n');
  await untilTrue('the log has the file', () => hob.cli('logs', 'mixed') === 'from a file\n');
  const ended = once(connection, 'end');
  hob.remove('mixed');
  await ended;
  server.close();
  await hob.until('mixed', 'is gone', (one) => one === undefined);
});

it('a held one: what is in it outlives container and hob, until the instance is destroyed', async () => {
  const script =
    'trap "echo last words >&$HELD_1; exit 0" TERM; echo first >&$HELD_1; echo ready; while true; do sleep 0.1; done';
  hob.drop('held', { command: shell(script), plugins: uses('held'), restartPolicy: 'Never' });
  const { status } = await hob.untilPhase('held', 'Running');
  const pid = status?.pid ?? 0;
  const crun = parentOf(pid);
  const around = [pid, crun, parentOf(crun)];
  expect(readFileSync(`/proc/${pid}/environ`, 'latin1')).toContain('HELD_1=3\0');
  await untilTrue('its trap is set', () => hob.tryCli('logs', 'held').stdout === 'ready\n');
  await hob.kill();
  process.kill(pid, 'SIGTERM');
  await untilTrue('the container has ended, and all around it', () => !around.some(isAlive));
  const reader = openSync(fifo('held'), constants.O_RDONLY | constants.O_NONBLOCK);
  expect([readNow(reader), readNow(reader)]).toEqual(['first\nlast words\n', undefined]);
  await hob.start();
  await hob.untilPhase('held', 'Completed');
  await untilTrue('the end is seen', () => readNow(reader) === '');
  expect(openOn(fifo('held'))).toEqual([]);
  closeSync(reader);
});
