import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { cpuCount, memoryBytes } from '../../src/api/quantity.ts';
import { explain } from '../../src/api/explain.ts';
import { ApiError } from '../../src/daemon/api/backend.ts';
import { parseExecRequest } from '../../src/daemon/api/exec-request.ts';
import { parseLabelSelector } from '../../src/daemon/api/label-selector.ts';
import { readData } from '../../src/hooks/data.ts';
import { hintNames, HintFlags, parseHints, unknownHints } from '../../src/hooks/hint-flags.ts';
import { checkIdentity } from '../../src/hooks/identity.ts';
import { MountFlags, mountOptions } from '../../src/hooks/start-state/mount-flags.ts';
import { mergePatch } from '../../src/runtime/oci/merge-patch.ts';
import { holds, mutatedText, mutatedValue, patience, strange } from '../support/fuzz.ts';

/** What it answers; undefined when it refuses in words. Any other throw is a mistake of its own. */
function unlessRefused<T>(
  parse: () => T,
  isRefusal = (error: Error): boolean => error.constructor === Error,
): T | undefined {
  try {
    return parse();
  } catch (error) {
    ok(error instanceof Error && isRefusal(error) && error.message.length > 5, String(error));
    return undefined;
  }
}

const isApiError = (error: Error): boolean => error instanceof ApiError && error.code === 400;

describe('any text', () => {
  it(
    'as a label selector is one that can be asked, or is refused',
    () =>
      holds(mutatedText('app=web,tier!=db,env in (a, b),env notin (c),track,!old', 'a=b'), 3000, (text) => {
        const selects = unlessRefused(() => parseLabelSelector(text), isApiError);
        for (const labels of [{}, { app: 'web', env: 'a' }])
          if (selects) strictEqual(typeof selects(labels), 'boolean');
      }),
    patience,
  );

  it(
    'as a quantity is a number that can be used, or is refused',
    () =>
      holds(fc.oneof(mutatedText('64Mi', '1.5G', '1e3', '500m', '8Pi'), fc.string()), 4000, (text) => {
        const bytes = unlessRefused(() => memoryBytes(text)) ?? 0;
        ok(Number.isSafeInteger(bytes) && bytes >= 0, `${text} is ${bytes}`);
        const cpus = unlessRefused(() => cpuCount(text)) ?? 0;
        ok(cpus >= 0, `${text} is ${cpus}`);
      }),
    patience,
  );

  it(
    'as the body of an exec request is a command, or is refused',
    () =>
      holds(
        mutatedText('{"command":["sh","-c","ls"],"tty":true,"user":"0:0","cwd":"/","env":["A=b"]}'),
        2000,
        (body) => {
          const request = unlessRefused(() => parseExecRequest(body), isApiError);
          ok(request === undefined || (request.command[0] !== '' && !request.command.join('').includes('\0')));
        },
      ),
    patience,
  );

  it(
    'as the path of a field is explained, or is refused',
    () =>
      holds(mutatedText('container.spec.env[0].name', 'metadata.labels'), 1000, (path) => {
        const text = unlessRefused(() => explain(path));
        ok(text === undefined || text.startsWith('KIND:'));
      }),
    patience,
  );
});

describe('any value', () => {
  it(
    'as what a plugin says of itself is an identity, or is refused',
    () =>
      holds(mutatedValue({ name: 'net', hookHints: ['PreStartSync'] }), 3000, (said) => {
        const { name, hookHints } = Object(said);
        const identity = unlessRefused(() => checkIdentity({ name, hookHints }));
        ok(identity === undefined || unknownHints(identity.hookHints) === 0);
      }),
    patience,
  );

  it(
    'as data of a plugin is read, or is refused with the name of the field',
    () =>
      holds(mutatedValue({ a: 'x', b: true, c: 5, d: ['x'], e: { f: 'x' }, g: [{ h: 1 }] }), 3000, (data) => {
        const isTold = (error: Error): boolean => /\bdata\b/.test(error.message) && error.message.length < 500;
        unlessRefused(() => {
          const fields = readData(data);
          void [fields.string('a'), fields.boolean('b'), fields.integer('c', { min: 1 }), fields.strings('d')];
          void [fields.object('e')?.string('f'), fields.objects('g')?.map((each) => each.integer('h'))];
          fields.end();
        }, isTold);
      }),
    patience,
  );

  it(
    'can be patched with any other, as the RFC has it: nothing is added to what all objects have',
    () =>
      holds(fc.tuple(strange, strange), 3000, ([target, patch]) => {
        const before = JSON.stringify([target, patch]);
        const patched = mergePatch(target, patch);
        strictEqual(JSON.stringify([target, patch]), before);
        strictEqual(Object.keys(Object.prototype).length, 0);
        // Once is enough.
        deepStrictEqual(JSON.stringify(mergePatch(patched, patch)), JSON.stringify(patched));
      }),
    patience,
  );
});

describe('any number', () => {
  const numbers = fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.double());

  it(
    'as hints has names for all of its bits, and the names that are known mean the same bits',
    () =>
      holds(fc.integer({ min: 0, max: 0xffffffff }), 2000, (hints) => {
        const known = hintNames(hints).filter((name) => name in HintFlags);
        strictEqual(parseHints(known) >>> 0, (hints - unknownHints(hints)) >>> 0);
      }),
    patience,
  );

  it(
    'as flags of a mount becomes options, and what is left over is told',
    () =>
      holds(numbers, 2000, (flags) => {
        const { options, leftOver } = mountOptions(['ro'], flags);
        ok(options.every((option) => /^[a-z]+$/.test(option)) && leftOver >= 0);
        ok((leftOver & (MountFlags.MS_RDONLY | MountFlags.MS_BIND)) === 0);
      }),
    patience,
  );
});
