import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { discardFds } from '../../src/hooks/start-state/additions.ts';
import { isCloseOnExec } from '../../src/host/libc.ts';
import { type TestHob, testHob, untilTrue } from '../support/hob.ts';
import { enterNetworkNamespace, routeMulticast, unrouteMulticast } from '../support/network-namespace.ts';
import { nodeProgram } from '../support/node-in-container.ts';
import { type PluginBench, pluginBench, use } from '../support/plugins.ts';
import { dropExample, shipPlugin } from '../support/shipped-plugins.ts';

const GROUP = '239.255.42.1';
const OTHER_GROUP = '239.255.42.2';
const PORT = 14242;

// Before anything is started: all of it is to live in there.
enterNetworkNamespace();

/** The sockets of this network namespace that are bound to the port, whoever has them. */
const socketsOf = () =>
  readFileSync('/proc/net/udp', 'utf8')
    .split('\n')
    .filter((line) => line.includes(`:${PORT.toString(16).toUpperCase()} `));

describe('the plugin MulticastSockets', () => {
  let bench: PluginBench;
  beforeAll(async () => {
    bench = pluginBench();
    shipPlugin('MulticastSockets', bench.folder);
    await bench.registry.start();
  });
  afterAll(() => bench.dispose());

  const postConstruction = (data: unknown) => bench.run('postConstruction', [use('MulticastSockets', { data })]);
  it('can be used', () => {
    expect(bench.registry.list()).toMatchObject([{ name: 'MulticastSockets', hookHints: 1, state: 'ready' }]);
  });

  it('says what to do where no route tells which interface to join on', async () => {
    const result = await postConstruction({ serverSockets: [{ name: 'radio', ip: GROUP, port: PORT }] });
    expect(result).toMatchObject({
      ok: false,
      failures: [
        {
          reason: 'HookThrew',
          message: expect.stringMatching(/server socket radio: joining 239\.255\.42\.1: .*ENODEV.*ip route add/),
        },
      ],
    });
    expect(socketsOf(), 'nothing is left open').toEqual([]);
  });

  describe('where multicast has a route', () => {
    beforeAll(routeMulticast);
    afterAll(unrouteMulticast);

    it('opens a socket for each that is named, and tells its number', async () => {
      const { ok, additions } = await postConstruction({
        serverSockets: [
          { name: 'radio', ip: GROUP, port: PORT },
          { name: 'tv_2', ip: OTHER_GROUP, port: PORT },
        ],
        clientSockets: [{ name: 'radio' }],
      });
      expect(ok).toBe(true);
      expect(additions?.env).toEqual([
        'MCAST_SERVER_SOCKET_radio_FD=3',
        'MCAST_SERVER_SOCKET_tv_2_FD=4',
        'MCAST_CLIENT_SOCKET_radio_FD=5',
      ]);
      expect(additions?.fds.map(({ fd }) => isCloseOnExec(fd))).toEqual([true, true, true]);
      expect(socketsOf()).toHaveLength(2);
      discardFds(additions?.fds ?? []);
      expect(socketsOf(), 'the plugin has closed its own').toEqual([]);
      expect(bench.logged.filter((line) => line.includes('Warning'))).toEqual([]);
    });

    it('adds nothing when nothing is asked for', async () => {
      for (const data of [null, {}, { serverSockets: [], clientSockets: [] }])
        expect(await postConstruction(data)).toMatchObject({ ok: true, additions: { env: [], mounts: [], fds: [] } });
    });

    it('opens none when one of them cannot be had', async () => {
      // It does not share: no SO_REUSEADDR.
      const taken = createSocket('udp4').bind(PORT + 1);
      await once(taken, 'listening');
      const serverSockets = [PORT, PORT + 1].map((port) => ({ name: `at_${port}`, ip: GROUP, port }));
      expect(await postConstruction({ serverSockets })).toMatchObject({
        ok: false,
        failures: [
          { message: expect.stringMatching(/server socket at_14243: port 14243: .*EADDRINUSE.*another port/) },
        ],
      });
      expect(socketsOf()).toEqual([]);
      taken.close();
    });
  });

  const server = { name: 'x', ip: GROUP, port: PORT };
  const multicast = 'a multicast IPv4 address, 224.0.0.0 to 239.255.255.255';
  const name = 'a string of letters, digits and "_" (not empty)';
  it.each([
    ['radio', 'data must be an object, not "radio"'],
    [{ serverSockets: server }, `data.serverSockets must be a list of objects, not ${JSON.stringify(server)}`],
    [{ serverSockets: ['x'] }, 'data.serverSockets[0] must be an object, not "x"'],
    [{ clientSockets: [{}] }, `data.clientSockets[0].name must be ${name} and is missing`],
    [{ clientSockets: [{ name: 7 }] }, 'data.clientSockets[0].name must be a string, not 7'],
    [{ clientSockets: [{ name: '' }] }, `data.clientSockets[0].name must be ${name}, not ""`],
    [{ clientSockets: [{ name: 'a=b' }] }, `data.clientSockets[0].name must be ${name}, not "a=b"`],
    [{ clientSockets: [{ name: 'a\n' }] }, `data.clientSockets[0].name must be ${name}, not "a\\n"`],
    [
      { serverSockets: [server, server] },
      'data.serverSockets[1].name must be unlike the names before it in this list, not "x"',
    ],
    [
      { serverSockets: [{ ...server, ip: '10.0.0.1' }] },
      `data.serverSockets[0].ip must be ${multicast}, not "10.0.0.1"`,
    ],
    [
      { serverSockets: [{ ...server, ip: '240.0.0.1' }] },
      `data.serverSockets[0].ip must be ${multicast}, not "240.0.0.1"`,
    ],
    [{ serverSockets: [{ ...server, ip: 'ff02::1' }] }, `data.serverSockets[0].ip must be ${multicast}, not "ff02::1"`],
    [{ serverSockets: [{ ...server, ip: 7 }] }, 'data.serverSockets[0].ip must be a string, not 7'],
    [{ serverSockets: [{ name: 'x', port: 1 }] }, `data.serverSockets[0].ip must be ${multicast} and is missing`],
    [
      { serverSockets: [{ ...server, port: '80' }] },
      'data.serverSockets[0].port must be an integer from 1 to 65535, not "80"',
    ],
    [
      { serverSockets: [{ ...server, port: 0 }] },
      'data.serverSockets[0].port must be an integer from 1 to 65535, not 0',
    ],
    [
      { serverSockets: [{ ...server, port: 65536 }] },
      'data.serverSockets[0].port must be an integer from 1 to 65535, not 65536',
    ],
    [
      { serverSockets: [{ name: 'x', ip: GROUP }] },
      'data.serverSockets[0].port must be an integer from 1 to 65535 and is missing',
    ],
    [{ sockets: [] }, 'data.sockets is not a field of this plugin; there are serverSockets, clientSockets'],
    [
      { clientSockets: [{ name: 'x', port: 1 }] },
      'data.clientSockets[0].port is not a field of this plugin; there are name',
    ],
  ])('refuses %j', async (data, message) => {
    expect(await postConstruction(data)).toMatchObject({
      ok: false,
      failures: [{ plugin: 'MulticastSockets', reason: 'HookThrew', message: expect.stringContaining(message) }],
    });
    expect(socketsOf()).toEqual([]);
  });
});

describe('a container without a network', () => {
  let hob: TestHob;
  const sockets: Socket[] = [];
  beforeAll(async () => {
    hob = testHob();
    shipPlugin('MulticastSockets', hob.plugins);
    await hob.start();
  });
  afterEach(() => sockets.splice(0).forEach((socket) => socket.close()));
  afterAll(() => hob.dispose());

  const withSockets = (data: object) => [{ name: 'MulticastSockets', data }];
  const logsOf = (name: string) => hob.tryCli('logs', name).stdout;
  const untilLogged = (name: string, line: string) =>
    untilTrue(
      `${name} says "${line}"`,
      () => logsOf(name).split('\n').includes(line),
      () => `${logsOf(name)}\n${hob.output().slice(-3000)}`,
    );

  async function send(text: string, group: string, port = PORT): Promise<void> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve, reject) =>
      socket.send(text, port, group, (error) => (error ? reject(error) : resolve())),
    );
    socket.close();
  }

  it('runs where the host has no route for multicast: the example', async () => {
    dropExample(hob, 'multicast-sockets');
    await hob.untilPhase('multicast-sockets', 'Running');
    await untilLogged('multicast-sockets', 'no sockets; npx hob describe multicast-sockets says why');
    expect(hob.cli('describe', 'multicast-sockets')).toMatch(/MulticastSockets.*joining 224\.0\.0\.1: .*ip route add/);
    hob.remove('multicast-sockets');
    await hob.until('multicast-sockets', 'is gone', (container) => container === undefined);
  });

  describe('on a host with a route for multicast', () => {
    beforeAll(routeMulticast);

    it('hears what the host sends: the example', async () => {
      dropExample(hob, 'multicast-sockets');
      await untilLogged('multicast-sockets', 'listening at descriptor 3; to send there would be 4');
      await send('hello\n', '224.0.0.1', 4242);
      await untilLogged('multicast-sockets', 'hello');
      await send('again\n', '224.0.0.1', 4242);
      await untilLogged('multicast-sockets', 'again');
      hob.remove('multicast-sockets');
    });

    it('receives what the host sends to its group, and to no other', async () => {
      // Each read of a datagram socket answers one datagram.
      const receiveFrom = (name: string) => `dd bs=1000 count=1 2>/dev/null <&$MCAST_SERVER_SOCKET_${name}_FD; echo`;
      const program = `
      echo ready
      ${receiveFrom('radio')}
      ${receiveFrom('tv')}
      ${receiveFrom('radio')}`;
      hob.drop('listener', {
        network: 'none',
        command: ['/bin/sh', '-c', program],
        restartPolicy: 'Never',
        plugins: withSockets({
          serverSockets: [
            { name: 'radio', ip: GROUP, port: PORT },
            { name: 'tv', ip: OTHER_GROUP, port: PORT },
          ],
        }),
      });
      await untilLogged('listener', 'ready');
      await send('for tv alone', OTHER_GROUP);
      await send('one', GROUP);
      await send('two', GROUP);
      await hob.untilPhase('listener', 'Completed');
      expect(logsOf('listener').trim().split('\n').slice(-3)).toEqual(['one', 'for tv alone', 'two']);
      // Neither hob nor its keeper has kept a copy.
      await expect.poll(socketsOf).toEqual([]);
      hob.remove('listener');
    });

    it('sends to a group that the host listens to', async () => {
      const host = createSocket({ type: 'udp4', reuseAddr: true }).bind(PORT);
      sockets.push(host);
      await once(host, 'listening');
      host.addMembership(GROUP);
      const received = once(host, 'message');
      const program = `
      const socket = require('node:dgram').createSocket('udp4');
      socket.bind({ fd: Number(process.env.MCAST_CLIENT_SOCKET_radio_FD) }, () =>
        socket.send('from within', ${PORT}, '${GROUP}', (error) => { console.log(error ?? 'sent'); socket.close(); }));`;
      hob.drop('sender', {
        ...nodeProgram(program),
        restartPolicy: 'Never',
        plugins: withSockets({ clientSockets: [{ name: 'radio' }] }),
      });
      await untilLogged('sender', 'sent');
      expect(String((await received)[0])).toBe('from within');
      await hob.untilPhase('sender', 'Completed');
      hob.remove('sender');
    });

    it('does not start with data that is wrong, and is told what and where', async () => {
      hob.drop('mistaken', {
        command: ['/bin/true'],
        plugins: withSockets({ serverSockets: [{ name: 'radio', ip: '10.0.0.1', port: PORT }] }),
      });
      await hob.untilPhase('mistaken', 'Backoff');
      expect(hob.cli('describe', 'mistaken')).toContain('data.serverSockets[0].ip must be a multicast IPv4 address');
      expect(logsOf('mistaken')).toBe('');
      hob.remove('mistaken');
    });
  });
});
