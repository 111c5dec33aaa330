import { match, ok, strictEqual } from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, it } from 'vitest';
import { apiRoot } from '../../src/api/wire.ts';
import { connectTo } from '../../src/cli/client.ts';
import { container, running } from '../fixtures/fake-backend.ts';
import { eventually, servedHob, type ServedHob } from '../fixtures/served-hob.ts';
import { holds, mutatedBytes, mutatedText, patience } from '../support/fuzz.ts';

let hob: ServedHob;
const uncaught: unknown[] = [];
const notice = (error: unknown): void => void uncaught.push(error);

beforeEach(async () => {
  uncaught.length = 0;
  process.on('uncaughtExceptionMonitor', notice);
  hob = await servedHob();
  hob.backend.put(container('web', running));
});

afterEach(async () => {
  process.off('uncaughtExceptionMonitor', notice);
  await hob.dispose();
});

const one = '/namespaces/default/containers/web';
const paths = [
  '/containers',
  '/namespaces/default/containers',
  one,
  `${one}/log`,
  `${one}/exec`,
  '/events',
  '/apply',
  '/plugins',
  '/plugins/net',
  '/sources',
  '/info',
  '/down',
];
const queries = [
  '',
  '?watch',
  '?watch=1&labelSelector=app%3Dweb',
  '?tail=5&follow&previous',
  '?tail=-1',
  '?plugin=net',
  '?name=web&watch',
  '?origin=x',
  '?%',
  '?labelSelector=%00(',
];
const methods = ['GET', 'POST', 'DELETE', 'PUT', 'HEAD', 'OPTIONS', 'PATCH', 'CONNECT', 'TRACE', 'get', ''];
const bodies = [
  '',
  '{}',
  '{"command":["ls"],"tty":false}',
  '{"command":[1]}',
  'kind: Container\n',
  '\0\xff',
  '['.repeat(5000),
  'x'.repeat(100_000),
];
const headers = [
  '',
  'Expect: 100-continue\r\n',
  'Upgrade: x\r\nConnection: Upgrade\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Content-Length: -1\r\n',
  'Content-Length: 99999999\r\n',
  'A: b\r\n'.repeat(500),
  `X: ${'y'.repeat(20_000)}\r\n`,
  'Host\r\n',
  'Connection: close\r\n',
];

/** A request as it should be, or nearly. */
const request = fc
  .record({
    method: fc.constantFrom(...methods),
    path: fc.oneof(fc.constantFrom(...paths), mutatedText(...paths)),
    query: fc.oneof(fc.constantFrom(...queries), mutatedText(...queries.slice(1))),
    header: fc.constantFrom(...headers),
    body: fc.oneof(fc.constantFrom(...bodies), mutatedText(...bodies.slice(1, 5))),
    tells: fc.boolean(),
  })
  .map(({ method, path, query, header, body, tells }) => {
    const length = tells ? `Content-Length: ${Buffer.byteLength(body)}\r\n` : '';
    return `${method} ${apiRoot}${path}${query} HTTP/1.1\r\nHost: hob\r\n${length}${header}\r\n${body}`;
  });

const good = `GET ${apiRoot}/info HTTP/1.1\r\nHost: hob\r\n\r\n`;
const bytes = fc.oneof(
  { arbitrary: request.map((text) => Buffer.from(text, 'latin1')), weight: 6 },
  {
    arbitrary: mutatedBytes(good, `POST ${apiRoot}/apply HTTP/1.1\r\nHost: hob\r\nContent-Length: 3\r\n\r\nabc`),
    weight: 2,
  },
  { arbitrary: mutatedText(good).map((text) => Buffer.from(text)), weight: 2 },
  { arbitrary: fc.uint8Array({ maxLength: 300 }).map((all) => Buffer.from(all)), weight: 1 },
);

/** An error is no news: the server may hang up. Node's own `once` would reject with it. */
const happens = (socket: Socket, event: string): Promise<void> =>
  new Promise((resolve) => socket.once(event, () => resolve()));

/** What came back, until the server ends the connection or nothing more is to come; the client goes then. */
async function answerTo(input: Buffer, ends: boolean): Promise<string> {
  const socket: Socket = connect(hob.socketPath);
  const received: Buffer[] = [];
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => received.push(Buffer.from(chunk)));
  const closed = happens(socket, 'close');
  await Promise.race([happens(socket, 'connect'), closed]);
  if (ends) socket.end(input);
  else socket.write(input, () => setImmediate(() => setImmediate(() => socket.destroy())));
  if (ends) await Promise.race([closed, happens(socket, 'data')]);
  socket.destroy();
  await closed;
  return Buffer.concat(received).toString('latin1');
}

const openDescriptors = (): number => readdirSync('/proc/self/fd').length;

/** After all of it: nothing is held for anybody, and who asks properly has an answer. */
async function expectUnmoved(descriptors: number): Promise<void> {
  strictEqual(uncaught.length, 0, String(uncaught[0]));
  const client = connectTo(hob.socketPath);
  match(JSON.stringify(await client.json('GET', '/info')), /0\.1\.0/);
  await eventually(() => {
    ok(openDescriptors() <= descriptors + 10, `${openDescriptors()} descriptors, ${descriptors} before`);
    strictEqual(hob.backend.watchers(), 0);
  });
}

describe('the API socket', () => {
  it(
    'given anything answers in HTTP or hangs up, and serves the next',
    async () => {
      const before = openDescriptors();
      await holds(
        fc.tuple(fc.array(bytes, { minLength: 1, maxLength: 3 }), fc.boolean()),
        2500,
        async ([inputs, ends]) => {
          const said = await answerTo(Buffer.concat(inputs), ends);
          ok(said === '' || said.startsWith('HTTP/1.1 '), said.slice(0, 100));
          strictEqual(/HTTP\/1\.1 5\d\d/.test(said), false, said.slice(0, 500));
          strictEqual(uncaught.length, 0, String(uncaught[0]));
        },
      );
      await expectUnmoved(before);
    },
    patience,
  );

  it(
    'given anything by many at once answers all of them or hangs up',
    async () => {
      const before = openDescriptors();
      await holds(fc.array(bytes, { minLength: 20, maxLength: 60 }), 20, async (all) => {
        await Promise.all(all.map((input, at) => answerTo(input, at % 2 === 0)));
      });
      await expectUnmoved(before);
    },
    patience,
  );
});
