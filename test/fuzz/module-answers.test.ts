import { deepStrictEqual, match, ok, strictEqual } from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { serialize, deserialize } from 'node:v8';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, it } from 'vitest';
import { knownIdentity, rememberIdentity } from '../../src/hooks/module/known-identity.ts';
import { readFromThread } from '../../src/hooks/module/messages.ts';
import { holds, mutatedBytes, mutatedText, mutatedValue, patience, scratch } from '../support/fuzz.ts';
import { pluginBench, use, type PluginBench } from '../support/plugins.ts';

/** What JavaScript has of things that are not what they seem, as expressions. */
const expressions = [
  'undefined',
  'null',
  '0',
  '""',
  '"no"',
  '10n',
  'Symbol("s")',
  '() => true',
  '[]',
  '{ ok: true }',
  'Object.create(null)',
  '{ toString: 1, valueOf: 1 }',
  '{ toString() { throw 1 } }',
  '{ get a() { throw 1 } }',
  '{ then: 5 }',
  '{ then() { throw 1 } }',
  '{ get then() { throw { toString: 1 } } }',
  '{ then(resolve, reject) { reject(Object.create(null)) } }',
  '{ [Symbol.for("nodejs.util.inspect.custom")]() { throw 1 } }',
  '{ get [Symbol.toPrimitive]() { throw 1 } }',
  '{ get [Symbol.toStringTag]() { throw 1 } }',
  'new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 2 }, has() { throw 3 }, ownKeys() { throw 4 } })',
  'new Proxy(Error(), { get() { throw 1 } })',
  'Object.defineProperty(Error("x"), "stack", { get() { throw 1 } })',
  'Object.defineProperty(Error("x"), "message", { get() { throw 1 } })',
  'Object.assign(Error("x"), { stack: 5, name: { toString: 1 }, message: Symbol() })',
  'Object.assign(Error("x"), { cause: { toString: 1, valueOf: 1 } })',
  'Object.setPrototypeOf(Error("x"), null)',
  'new AggregateError([Object.create(null)])',
  'Object.assign(Error("x"), { code: { toString: 1 } })',
  '"x".repeat(3_000_000)',
  '"\\n\\0\\u001b[2J".repeat(3000)',
  'Array(1_000_000).fill("x")',
  'Promise.reject(Object.create(null))',
  'new WeakMap()',
  'new Date(NaN)',
  'globalThis',
];

/** What a hook does with one of them that ends in an answer. */
const harmless = [
  'return X',
  'throw X',
  'return Promise.reject(X)',
  'return state.addEnvironmentVariable(X)',
  'return state.addMount(X, "/x", "bind", 0, [])',
  'return state.addMount("/", X, "bind", X, [])',
  'return state.addMount("/", "/x", X, 0, X)',
  'return state.addFileDescriptor(X, 0)',
  'return state.addFileDescriptor("odd", X)',
  'return state.addFileDescriptor("odd", 0, X)',
  'state.files(X); return true',
  'post(X); return true',
  'post({ kind: "ended", call: X, outcome: X }); return true',
  'post({ kind: "run", program: 1, request: X }); return true',
  'console.log(X); return true',
];

/** What ends its thread, or would end another process. */
const deadly = [
  'Promise.reject(X); return new Promise(() => undefined)',
  'setImmediate(() => { throw X }); return new Promise(() => undefined)',
  'process.exit(X)',
  'process.emit("error", X)',
  'process.nextTick(() => { throw X }); return new Promise(() => undefined)',
];

const source = `
import { parentPort } from 'node:worker_threads';
const post = (message) => { try { parentPort.postMessage(message) } catch {} };
export default {
  name: 'odd',
  hookHints: 1,
  postConstruction: (id, state, rootfs, code) => new Function('state', 'post', code)(state, post),
};
`;

let bench: PluginBench;
const uncaught: unknown[] = [];
const notice = (error: unknown): void => void uncaught.push(error);

beforeEach(async () => {
  uncaught.length = 0;
  process.on('uncaughtExceptionMonitor', notice);
  bench = pluginBench();
  bench.write('odd.mjs', source);
  await bench.registry.start();
});

afterEach(async () => {
  process.off('uncaughtExceptionMonitor', notice);
  await bench.dispose();
});

const code = (forms: readonly string[]): fc.Arbitrary<string> =>
  fc
    .tuple(fc.constantFrom(...forms), fc.constantFrom(...expressions))
    .map(([form, expression]) => form.replaceAll('X', () => `(${expression})`));

const run = (data: string) => bench.run('postConstruction', [use('odd', { data })]);

describe('a hook of a module', () => {
  it(
    'that answers, throws, adds or posts anything has an outcome, and its thread goes on',
    () =>
      holds(code(harmless), 400, async (data) => {
        const { ok: wentWell, failures } = await run(data);
        strictEqual(failures.length, wentWell ? 0 : 1);
        for (const { reason, message } of failures) {
          match(reason, /^(HookFailed|HookThrew|BadAnswer)$/);
          ok(message.length > 0 && message.length < 5_000, `a message of ${message.length} characters`);
        }
        deepStrictEqual(uncaught, []);
      }),
    patience,
  );

  it(
    'that brings its thread down with anything does it to nobody else',
    () =>
      holds(code(deadly), 30, async (data) => {
        const { ok: wentWell, failures } = await run(data);
        ok(
          wentWell || /^(PluginCrashed|HookThrew|BadAnswer)$/.test(failures[0]?.reason ?? ''),
          JSON.stringify(failures),
        );
        deepStrictEqual(uncaught, []);
        strictEqual((await run('return true')).ok, true);
      }),
    patience,
  );
});

const messages = [
  { kind: 'loaded', module: { name: 'odd', hookHints: 1, methods: ['preStart'], written: [] } },
  { kind: 'broken', reason: 'why' },
  { kind: 'begun', call: 1 },
  { kind: 'ended', call: 1, outcome: { ok: false, reason: 'HookThrew', message: 'why' } },
  {
    kind: 'ended',
    call: 1,
    outcome: {
      ok: true,
      additions: { env: ['A=b'], mounts: [{ source: '/', destination: '/x', type: 'bind', options: [] }] },
    },
  },
  { kind: 'complaint', message: 'what' },
  { kind: 'run', program: 1, request: { argv: ['true'], stdin: '', timeoutMs: 1 } },
  { kind: 'cancel', program: 1 },
];

it(
  'a message of a thread is what hob understands, or none',
  () =>
    holds(fc.oneof(...messages.map((message) => mutatedValue(message))), 3000, (said) => {
      const message = readFromThread(deserialize(serialize(said)));
      if (message?.kind === 'ended') strictEqual(typeof message.outcome.ok, 'boolean');
      if (message?.kind === 'loaded') ok(Array.isArray(message.module.methods));
      if (message?.kind === 'run') ok(message.request.argv.join(' ') !== undefined);
    }),
  patience,
);

it(
  'a file that remembers what a module said, with anything in it, says that or nothing',
  () => {
    const folder = scratch();
    const file = join(folder, '.identity.json');
    const module = { name: 'net', hookHints: 1, methods: ['postConstruction' as const], written: [] };
    rememberIdentity(folder, '1', module);
    deepStrictEqual(knownIdentity(folder, '1'), module);
    const known = { version: '1', node: process.version, module };
    const contents = fc.oneof(
      mutatedText(JSON.stringify(known)),
      mutatedBytes(JSON.stringify(known)),
      mutatedValue(known).map((value) => JSON.stringify(value)),
    );
    return holds(contents, 1500, (content) => {
      writeFileSync(file, content);
      const said = knownIdentity(folder, '1');
      if (said) match(String(said.name), /^[A-Za-z0-9][\w.-]*$/);
      if (said) ok(said.methods.includes('postConstruction') || said.hookHints !== 1);
    }).finally(() => rmSync(folder, { recursive: true }));
  },
  patience,
);
