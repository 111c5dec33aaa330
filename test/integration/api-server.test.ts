import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Container } from '../../src/api/container.ts';
import type { EventObject, ObjectList, StatusObject, WatchLine } from '../../src/api/wire.ts';
import { connectTo, ServerError } from '../../src/cli/client.ts';
import type { Client } from '../../src/cli/client.ts';
import { linesOf } from '../../src/cli/watch.ts';
import type { ApiServer } from '../../src/daemon/api/server.ts';
import { serveApi } from '../../src/daemon/api/server.ts';
import type { NewEvent } from '../../src/journal/journal.ts';
import { container, running } from '../fixtures/fake-backend.ts';
import { logLines } from '../fixtures/log-lines.ts';
import type { ServedHob } from '../fixtures/served-hob.ts';
import { eventually, servedHob } from '../fixtures/served-hob.ts';

let hob: ServedHob;
let client: Client;

beforeEach(async () => {
  hob = await servedHob();
  client = connectTo(hob.socketPath);
});

afterEach(() => hob.dispose());

const web = '/namespaces/default/containers/web';

/** How a request is refused. */
async function refusal(method: 'GET' | 'POST' | 'DELETE', path: string, body?: string | Buffer): Promise<StatusObject> {
  const answer = await client.json(method, path, body).catch((error: unknown) => error);
  if (answer instanceof ServerError) return answer.status;
  throw new Error(`not refused, but ${String(answer)}`);
}

/** A watch whose lines can be asked for one by one. */
async function watching<Item = Container>(path: string): Promise<() => Promise<WatchLine<Item> | undefined>> {
  const lines = linesOf<WatchLine<Item>>(await client.stream('GET', path));
  return async () => {
    const { done, value } = await lines.next();
    return done ? undefined : value;
  };
}

const brief = (line: WatchLine<Container> | undefined): string =>
  line?.type === 'ADDED' || line?.type === 'MODIFIED' || line?.type === 'DELETED'
    ? `${line.type} ${line.object.metadata.name}`
    : (line?.type ?? 'end');

const serveAt = (socketPath: string): Promise<ApiServer> =>
  serveApi({ socketPath, backend: hob.backend, log: logLines().log });

describe('the socket', () => {
  it('may be used by its owner only', () => {
    expect(statSync(hob.socketPath).mode & 0o777).toBe(0o600);
  });

  it('of a hob that lives is not taken over', async () => {
    await expect(serveAt(hob.socketPath)).rejects.toThrow(/another hob answers at .*hob\.sock/);
    expect(await client.json('GET', '/containers')).toMatchObject({ items: [] });
  });

  it('of a hob that died is replaced', async () => {
    const path = join(hob.dir, 'dead.sock');
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', script]);
    expect(existsSync(path)).toBe(true);
    const server = await serveAt(path);
    expect(await connectTo(path).json('GET', '/info')).toMatchObject({ version: '0.1.0' });
    await server.close();
    expect(existsSync(path)).toBe(false);
  });

  it('takes the place of nothing else, and says what is wrong with a place', async () => {
    const file = join(hob.dir, 'precious');
    writeFileSync(file, 'data');
    await expect(serveAt(file)).rejects.toThrow(/precious is there and no socket/);
    expect(existsSync(file)).toBe(true);
    await expect(serveAt(join(hob.dir, 'x'.repeat(200)))).rejects.toThrow(/longer than 107 bytes/);
    await expect(serveAt(join(hob.dir, 'no/folder'))).rejects.toThrow(/cannot listen on .*--run-dir/);
  });
});

describe('containers', () => {
  it('are listed, all or those of a namespace, or shown one by one', async () => {
    hob.backend.put(container('web', running));
    hob.backend.put(container('db', {}, { namespace: 'shop' }));
    const names = async (path: string): Promise<string[]> =>
      (await client.json<ObjectList<Container>>('GET', path)).items.map(({ metadata }) => metadata.name);
    expect(await names('/containers')).toEqual(['web', 'db']);
    expect(await names('/namespaces/shop/containers')).toEqual(['db']);
    expect(await names('/namespaces/none/containers')).toEqual([]);
    expect(await client.json('GET', web)).toMatchObject({ metadata: { name: 'web' }, status: { pid: 4242 } });
  });

  it('are chosen by their labels', async () => {
    hob.backend.put(container('web', {}, { labels: { app: 'web' } }));
    hob.backend.put(container('db', {}, { labels: { app: 'db' } }));
    const selector = encodeURIComponent('app in (db,cache)');
    expect(await client.json('GET', `/containers?labelSelector=${selector}`)).toMatchObject({
      items: [{ metadata: { name: 'db' } }],
    });
    expect(await refusal('GET', '/containers?labelSelector=a,,')).toMatchObject({ code: 400, reason: 'BadRequest' });
  });

  it('that are not there are told as Kubernetes does', async () => {
    const status = {
      kind: 'Status',
      status: 'Failure',
      reason: 'NotFound',
      code: 404,
      message: 'containers "web" not found',
    };
    expect(await refusal('GET', web)).toMatchObject(status);
    expect(await refusal('DELETE', web)).toMatchObject(status);
    expect(await refusal('GET', `${web}/log`)).toMatchObject(status);
    expect(await refusal('POST', `${web}/exec`, '{"command":["ls"],"tty":false}')).toMatchObject(status);
  });

  it('are deleted, unless they are declared elsewhere', async () => {
    hob.backend.put(container('web'));
    hob.backend.answers.declaredIn = '/etc/hob/containers/web.yaml';
    expect(await refusal('DELETE', web)).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message: expect.stringMatching(/web\.yaml/),
    });
    delete hob.backend.answers.declaredIn;
    expect(await client.json('DELETE', web)).toMatchObject({ metadata: { name: 'web' } });
    expect(hob.backend.get('default', 'web')).toBeUndefined();
  });

  it('have no log before they were started', async () => {
    hob.backend.put(container('web', { phase: 'Pending' }));
    expect(await refusal('GET', `${web}/log`)).toMatchObject({
      code: 400,
      message: expect.stringMatching(/not been started.*Pending/),
    });
    expect(await refusal('GET', `${web}/log?tail=-3`)).toMatchObject({ code: 400 });
  });
});

describe('a watch', () => {
  it('tells what is there, that this was all, and then what changes', async () => {
    hob.backend.put(container('web'));
    const next = await watching('/containers?watch=1');
    expect(brief(await next())).toBe('ADDED web');
    expect(brief(await next())).toBe('BOOKMARK');
    hob.backend.put(container('db'));
    hob.backend.put(container('web', running));
    hob.backend.drop('default', 'db');
    expect(brief(await next())).toBe('ADDED db');
    expect(brief(await next())).toBe('MODIFIED web');
    expect(brief(await next())).toBe('DELETED db');
  });

  it('of some sees those come and go that begin and cease to be among them', async () => {
    const next = await watching('/namespaces/default/containers?watch=1&labelSelector=on');
    expect(brief(await next())).toBe('BOOKMARK');
    hob.backend.put(container('off'));
    hob.backend.put(container('web', {}, { labels: { on: '' } }));
    hob.backend.put(container('other', {}, { labels: { on: '' }, namespace: 'shop' }));
    hob.backend.put(container('web', {}, { labels: { on: '1' } }));
    hob.backend.put(container('web'));
    hob.backend.put(container('web', running));
    hob.backend.put(container('last', {}, { labels: { on: '' } }));
    expect(brief(await next())).toBe('ADDED web');
    expect(brief(await next())).toBe('MODIFIED web');
    expect(brief(await next())).toBe('DELETED web');
    expect(brief(await next())).toBe('ADDED last');
  });

  it('of one container waits for it to be there', async () => {
    const next = await watching(`${web}?watch=1`);
    expect(brief(await next())).toBe('BOOKMARK');
    hob.backend.put(container('db'));
    hob.backend.put(container('web'));
    expect(brief(await next())).toBe('ADDED web');
  });

  it('whose reader vanishes is forgotten', async () => {
    const stream = await client.stream('GET', '/containers?watch=1');
    await eventually(() => expect(hob.backend.watchers()).toBe(1));
    stream.destroy();
    await eventually(() => expect(hob.backend.watchers()).toBe(0));
  });

  it('whose reader does not read is cut off with a message, and does not fill the memory', async () => {
    const stream = await client.stream('GET', '/containers?watch=1');
    await eventually(() => expect(hob.backend.watchers()).toBe(1));
    const large = container('web', running, { annotations: { filler: 'x'.repeat(10_000) } });
    for (let n = 0; n < 5_000 && hob.backend.watchers() > 0; n++) hob.backend.put(large);
    expect(hob.backend.watchers()).toBe(0);
    let last: WatchLine<Container> | undefined;
    for await (const line of linesOf<WatchLine<Container>>(stream)) last = line;
    expect(last).toMatchObject({ type: 'ERROR', object: { code: 410, reason: 'Expired' } });
  });

  it('with very much to tell at the beginning is not taken for slow', async () => {
    for (let n = 0; n < 3_000; n++) hob.backend.put(container(`c${n}`));
    const next = await watching('/containers?watch=1');
    for (let n = 0; n < 3_000; n++) expect(brief(await next())).toBe(`ADDED c${n}`);
    expect(brief(await next())).toBe('BOOKMARK');
  });

  it('ends when hob does', async () => {
    const { socketPath } = hob;
    const next = await watching('/containers?watch=1');
    expect(brief(await next())).toBe('BOOKMARK');
    const [end] = await Promise.all([next(), hob.end()]);
    expect(brief(end)).toBe('end');
    expect(existsSync(socketPath)).toBe(false);
    expect(hob.backend.watchers()).toBe(0);
  });
});

describe('events', () => {
  const started: NewEvent = {
    type: 'Normal',
    reason: 'Started',
    message: 'pid 1',
    regarding: { kind: 'Container', name: 'web', namespace: 'default' },
  };

  it('have the shape of those of Kubernetes', async () => {
    hob.backend.addEvent(started);
    const { items } = await client.json<ObjectList<EventObject>>('GET', '/events');
    expect(items).toMatchObject([
      {
        kind: 'Event',
        involvedObject: { kind: 'Container', name: 'web', namespace: 'default' },
        reason: 'Started',
        count: 1,
      },
    ]);
  });

  it('are chosen by namespace and name, and watched', async () => {
    hob.backend.addEvent(started);
    hob.backend.addEvent({ ...started, regarding: { kind: 'Hob', name: 'hob' } });
    const next = await watching<EventObject>('/namespaces/default/events?name=web&watch=1');
    expect(await next()).toMatchObject({ type: 'ADDED', object: { count: 1 } });
    expect(await next()).toEqual({ type: 'BOOKMARK' });
    hob.backend.addEvent({ ...started, regarding: { kind: 'Hob', name: 'hob' } });
    hob.backend.addEvent(started);
    expect(await next()).toMatchObject({ type: 'MODIFIED', object: { count: 2, involvedObject: { name: 'web' } } });
  });
});

describe('what is asked of hob', () => {
  it('exec: is handed on, and answered with a command line', async () => {
    hob.backend.put(container('web', running));
    hob.backend.answers.exec = { argv: ['crun', 'exec', 'web', 'ls'], mountNamespacePid: 7 };
    const request = { command: ['ls', '-l'], tty: true, user: '1:2', cwd: '/tmp', env: ['A=b'] };
    expect(await client.json('POST', `${web}/exec`, JSON.stringify(request))).toEqual(hob.backend.answers.exec);
    expect(hob.backend.asked.exec).toEqual([request]);
  });

  it('exec: what makes no sense is refused by name', async () => {
    const wrong: [string, RegExp][] = [
      ['', /not a JSON object/],
      ['[]', /command must be/],
      ['{"command":[],"tty":false}', /command must be/],
      ['{"command":["a\\u0000b"],"tty":false}', /command must be/],
      ['{"command":["ls"]}', /tty must be/],
      ['{"command":["ls"],"tty":false,"user":"root"}', /user must be/],
      ['{"command":["ls"],"tty":false,"cwd":"tmp"}', /cwd must be/],
      ['{"command":["ls"],"tty":false,"env":"A=b"}', /env must be/],
    ];
    for (const [body, message] of wrong)
      expect(await refusal('POST', `${web}/exec`, body)).toMatchObject({
        code: 400,
        message: expect.stringMatching(message),
      });
  });

  it('apply: text goes in as it is, results come back', async () => {
    hob.backend.answers.apply = [{ outcome: 'created', name: 'web', namespace: 'default' }];
    expect(await client.json('POST', '/apply?origin=a%20b.yaml', 'é: 1\n')).toMatchObject({
      items: [{ outcome: 'created' }],
    });
    expect(hob.backend.asked.apply).toEqual([{ text: 'é: 1\n', origin: 'a b.yaml' }]);
  });

  it('apply: what is too large or no text is refused', async () => {
    expect(await refusal('POST', '/apply', 'x'.repeat(2 * 1024 * 1024 + 1))).toMatchObject({ code: 413 });
    expect(await refusal('POST', '/apply', Buffer.from([0xff, 0xfe, 0xfd]))).toMatchObject({
      code: 400,
      message: expect.stringMatching(/UTF-8/),
    });
    expect(hob.backend.asked.apply).toEqual([]);
  });

  it('down: tells how it goes, line by line', async () => {
    hob.backend.answers.down = [{ message: 'web is gone' }, { message: 'all gone', done: true }];
    const lines: unknown[] = [];
    for await (const line of linesOf(await client.stream('POST', '/down'))) lines.push(line);
    expect(lines).toEqual(hob.backend.answers.down);
  });

  it('an error in hob is told and does not end it', async () => {
    hob.backend.apply = () => Promise.reject(new Error('out of patience'));
    expect(await refusal('POST', '/apply', 'x')).toMatchObject({
      code: 500,
      reason: 'InternalError',
      message: expect.stringMatching(/out of patience/),
    });
    expect(await client.json('GET', '/info')).toMatchObject({ pid: process.pid });
  });
});

describe('junk', () => {
  /** What comes back for these bytes, until the connection ends or is quiet. */
  async function answerTo(bytes: string | Buffer): Promise<string> {
    const socket: Socket = connect(hob.socketPath);
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    socket.end(bytes);
    await once(socket, 'close');
    return answer;
  }

  it('in paths and methods gets a Status', async () => {
    expect(await refusal('GET', '/nothing')).toMatchObject({ code: 404, kind: 'Status' });
    expect(await refusal('GET', '/namespaces/a/containers/%zz')).toMatchObject({ code: 400 });
    expect(await refusal('POST', '/containers')).toMatchObject({ code: 405, reason: 'MethodNotAllowed' });
    expect(await refusal('DELETE', '/namespaces/default/containers/')).toMatchObject({ code: 405 });
    expect(await answerTo('GET // HTTP/1.1\r\nHost: x\r\n\r\n')).toMatch(/^HTTP\/1\.1 40[04] .*"kind":"Status"/s);
    expect(await answerTo('FLY / HTTP/1.1\r\nHost: x\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 .*"kind":"Status"/s);
  });

  it('that is no HTTP gets a 400, and headers without end as well', async () => {
    expect(await answerTo('hello\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 .*this is no HTTP request/s);
    expect(await answerTo(`GET / HTTP/1.1\r\nX: ${'y'.repeat(100_000)}`)).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('of any kind, again and again, leaves hob as it was', async () => {
    hob.backend.put(container('web', running));
    const random = seeded(20_261_123);
    const pieces = junkPieces();
    for (let round = 0; round < 300; round++) {
      const parts = Array.from({ length: 1 + (random() % 6) }, () => pieces[random() % pieces.length] ?? '');
      if (random() % 4 === 0)
        parts.push(Buffer.from(Array.from({ length: random() % 200 }, () => random() & 0xff)).toString('latin1'));
      await answerTo(Buffer.from(parts.join(''), 'latin1'));
    }
    await eventually(() => expect(hob.backend.watchers()).toBe(0));
    expect(await client.json('GET', web)).toMatchObject({ metadata: { name: 'web' } });
  });

  function junkPieces(): string[] {
    const api = '/apis/hob.dev/v1alpha1';
    const targets = [
      '/',
      '//',
      '*',
      api,
      `${api}/containers?watch=1`,
      `${api}${web}`,
      `${api}${web}/log?follow=1&tail=99999999999`,
      `${api}/%00`,
      `${api}/events?watch`,
      `http://x${api}/info`,
    ];
    const requests = targets.flatMap((target) =>
      ['GET', 'POST', 'PUT', 'HEAD', 'OPTIONS'].map((method) => `${method} ${target} HTTP/1.1\r\n`),
    );
    return [
      ...requests,
      'Host: x\r\n\r\n',
      'Content-Length: 5\r\n\r\n12345',
      'Content-Length: 99999999999\r\n\r\n',
      'Content-Length: -1\r\n\r\n',
      'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nZZ\r\n',
      'Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      'Expect: 100-continue\r\nContent-Length: 3\r\n\r\n',
      'Expect: miracles\r\n\r\n',
      '\r\n\r\n',
      '\0\0\0\0',
      'CONNECT x:1 HTTP/1.1\r\n\r\n',
      `X: ${'z'.repeat(20_000)}\r\n`,
    ];
  }

  /** The same numbers in each run. */
  function seeded(seed: number): () => number {
    let state = seed;
    return () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      return state >>> 8;
    };
  }
});
