import { deepStrictEqual, match, ok } from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { containerID, type Container } from '../../src/api/container.ts';
import { changeHashes } from '../../src/api/hash.ts';
import { parseSpecs, type ParsedSpecs } from '../../src/api/parse.ts';
import { validateContainer } from '../../src/api/validate.ts';
import { ociConfig, type OciInput } from '../../src/runtime/oci-config.ts';
import { holds, mutatedBytes, mutatedText, mutatedValue, patience } from '../support/fuzz.ts';
import { agreesWithSchema } from '../support/reference-validator.ts';
import { shortSpec, yamlSpecs } from '../support/spec-texts.ts';

const { containers: sound } = parseSpecs(yamlSpecs, '');
const jsonSpecs = JSON.stringify({ kind: 'List', items: sound }, null, 2);
const shortJson = JSON.stringify(parseSpecs(shortSpec, '').containers[0]);
const windows = (text: string): string => text.replaceAll('\n', '\r\n');

const node = { rdev: 259, mode: 0o666, uid: 0, gid: 0, isCharacterDevice: () => true, isBlockDevice: () => false };

/** That it is valid for hob is no reason for anything to go wrong with it later. */
function expectSound(container: Container): void {
  deepStrictEqual(validateContainer(container), { container });
  ok(agreesWithSchema(structuredClone(container)), JSON.stringify(agreesWithSchema.errors));
  match(changeHashes(container.spec).instance, /^[0-9a-f]{16}$/);
  const base: OciInput = {
    spec: container.spec,
    id: containerID(container.metadata),
    rootfsPath: '/run/hob/rootfs',
    readOnlyRoot: false,
    additions: { env: [], mounts: [] },
    cgroupsPath: '/hob/x',
    statDevice: () => node,
    ...(container.spec.bundle && { bundleConfig: { process: { args: ['x'], env: ['A=b'] }, linux: {} } }),
  };
  ok(JSON.stringify(ociConfig(base)).startsWith('{'));
}

function expectToldOrTaken({ containers, mistakes }: ParsedSpecs, text: string): void {
  const lines = text.split('\n');
  ok(containers.length + mistakes.length > 0);
  ok(mistakes.length <= 101);
  containers.forEach(expectSound);
  for (const { line = 0, column = Infinity, message } of mistakes) {
    ok(column <= (lines[line - 1]?.length ?? -1) + 1, `${line}:${column}`);
    match(message, /^[^\n]{1,700}$/);
  }
}

describe('a text with random changes', () => {
  it.each([
    ['short YAML', shortSpec, 2500],
    ['YAML', yamlSpecs, 600],
    ['YAML of another system', windows(shortSpec), 1000],
    ['short JSON', shortJson, 2500],
    ['JSON', jsonSpecs, 300],
  ])(
    'of %s is read without a throw: what it declares is sound, and what it does not declare is told',
    (_, text, count) => holds(mutatedText(text), count, (input) => expectToldOrTaken(parseSpecs(input, 'f'), input)),
    patience,
  );

  it(
    'as bytes, which need be no text any more, is read without a throw',
    () =>
      holds(mutatedBytes(shortSpec, yamlSpecs, jsonSpecs), 3000, (bytes) =>
        expectToldOrTaken(parseSpecs(bytes, 'f'), bytes.toString()),
      ),
    patience,
  );
});

const depth = fc.integer({ min: 1, max: 3000 });
const repeated = fc.constantFrom(
  '[',
  '{a: ',
  '{"a":[',
  '- ',
  '? ',
  'a:\n ',
  '&a [*a, ',
  '!!map {',
  '"',
  "'",
  '|\n',
  '*',
  '&',
);

/** Texts that are made to be expensive: deep, or many times themselves. */
const bombs = fc.oneof(
  fc.tuple(repeated, depth).map(([piece, count]) => piece.repeat(count)),
  fc.tuple(repeated, depth).map(([piece, count]) => `spec:\n  ociPatch: ${piece.repeat(count)}`),
  fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 })).map(([levels, width]) =>
    Array.from({ length: levels }, (_, level) => {
      const inner = level === 0 ? 'x' : `*a${level - 1}`;
      return `a${level}: &a${level} [${Array.from({ length: width }, () => inner).join(', ')}]`;
    }).join('\n'),
  ),
  depth.map((count) => '---\n'.repeat(count)),
  depth.map((count) => `kind: Container\n${'a: 1\n'.repeat(count)}`),
  depth.map((count) => `kind: Container\nspec: {command: [${'9'.repeat(count)}]}`),
);

it(
  'a text that is made to be expensive is read without a throw',
  () => holds(bombs, 300, (text) => expectToldOrTaken(parseSpecs(text, 'f'), text)),
  patience,
);

describe('any JSON value in the place of any part of a spec', () => {
  it(
    'is found or does no harm, and is never thrown about',
    () =>
      holds(mutatedValue(sound[0]), 2000, (value) => {
        const { container, findings } = validateContainer(value);
        ok(container !== undefined || findings.length > 0);
        if (container) expectSound(container);
      }),
    patience,
  );
});
