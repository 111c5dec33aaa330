import { describe, expect, it } from 'vitest';
import { parseSpecs } from '../../src/api/parse.ts';
import { validateContainer } from '../../src/api/validate.ts';

/** A small generator of repeatable random numbers (mulberry32). */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return Math.floor((((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

const yaml = `apiVersion: hob.dev/v1alpha1
kind: Container
metadata: {name: web, labels: {app: web}}
spec:
  rootfs: {path: /srv/web}
  command: [/bin/web, "-p", '80']
  env:
    - {name: A, value: "1"}
    - &b {name: B, value: x}
    - *b
  user: {uid: 0, gid: 0, additionalGids: [5]}
  mounts:
    - source: /srv/data
      destination: /data
      options: [ro]
  resources: {memory: 64Mi, cpuQuota: 500m, cpus: "0-1"}
  rlimits: [{type: RLIMIT_NOFILE, soft: 10, hard: 20}]
  sysctls: {kernel.msgmax: "1"}
  plugins:
    - name: p
      data: |
        text
        more
---
apiVersion: hob.dev/v1alpha1
kind: Container
metadata: {name: two}
spec: {bundle: {path: /srv/two}}
`;
const json = JSON.stringify({ kind: 'List', items: parseSpecs(yaml, '').containers }, null, 2);
const pieces = [
  ...'\t \n\r"\'{}[],:&*!|>%@#?-.~0\\'.split(''),
  '\0',
  '\uFEFF',
  '\u2028',
  '\uD800',
  '- ',
  '? ',
  ': ',
  '---\n',
  '...\n',
  '<<: ',
  '*b',
  '&b ',
  '!!int ',
  '1e400',
  '.inf',
  '01',
  '__proto__',
  'constructor',
  'null',
  '{{{{',
  ']]]]',
  '  '.repeat(40),
];

function mutated(text: string, random: (below: number) => number): string {
  let result = text;
  for (let changes = 1 + random(4); changes > 0; changes--) {
    const at = random(result.length + 1);
    const length = random(3) === 0 ? random(60) : random(4);
    const insert =
      random(4) === 0 ? result.slice(random(result.length), random(result.length)) : pieces[random(pieces.length)];
    result = result.slice(0, at) + insert + result.slice(at + length);
  }
  return result;
}

describe('a text with random changes', () => {
  it.each([
    ['YAML', yaml],
    ['JSON', json],
  ])('of %s is read without a throw: what it declares is valid, and what it does not declare is told', (_, text) => {
    for (let seed = 1; seed <= 2000; seed++) {
      const input = mutated(text, randomFrom(seed));
      const { containers, mistakes } = parseSpecs(input, 'f');
      const lines = input.split('\n');
      expect(containers.length + mistakes.length, `seed ${seed}`).toBeGreaterThan(0);
      expect(mistakes.length).toBeLessThanOrEqual(101);
      for (const container of containers) expect(validateContainer(container), `seed ${seed}`).toEqual({ container });
      for (const { line, column, message } of mistakes) {
        expect(column, `seed ${seed}`).toBeLessThanOrEqual((lines[line - 1]?.length ?? -1) + 1);
        expect(message).toMatch(/^[^\n]{1,700}$/);
      }
    }
  });

  it('as bytes is read without a throw', () => {
    for (let seed = 1; seed <= 1000; seed++) {
      const random = randomFrom(seed);
      const bytes = Buffer.from(yaml);
      for (let changes = 0; changes < 3; changes++) bytes[random(bytes.length)] = random(256);
      const { containers, mistakes } = parseSpecs(bytes, 'f');
      expect(containers.length + mistakes.length).toBeGreaterThan(0);
    }
  });
});

describe('any JSON value in the place of any part of a spec', () => {
  const strange = [
    null,
    true,
    0,
    -1,
    1.5,
    1e300,
    '',
    'x',
    '/x/../y',
    [],
    [[]],
    [null],
    {},
    { a: 1 },
    JSON.parse('{"__proto__": 1}'),
  ];
  const spec = parseSpecs(yaml, '').containers[0];

  /** Copies of a value, each with one part replaced. */
  function* replaced(value: unknown, by: unknown): Generator<unknown> {
    yield by;
    if (Array.isArray(value))
      for (const [index, item] of value.entries()) for (const one of replaced(item, by)) yield value.with(index, one);
    else if (typeof value === 'object' && value !== null)
      for (const [name, field] of Object.entries(value))
        for (const one of replaced(field, by)) yield { ...value, [name]: one };
  }

  it('is found or does no harm, and is never thrown about', () => {
    for (const by of strange)
      for (const value of replaced(spec, by)) {
        const { container, findings } = validateContainer(value);
        expect(container === undefined).toBe(findings !== undefined);
        expect(findings).not.toEqual([]);
        // What was valid once stays what it is.
        if (container) expect(validateContainer(container)).toEqual({ container });
      }
  });
});
