import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { put, untilEvent } from '../support/faults.ts';
import { runsForever, testHob } from '../support/hob.ts';

const hob = testHob();
beforeAll(() => hob.start());
afterAll(() => hob.dispose());

const head = 'apiVersion: hob.dev/v1alpha1\nkind: Container\n';
const spec = (lines: string): string => `${head}metadata: {name: odd}\nspec:\n  rootfs: {path: /}\n${lines}`;
const named = (name: string): string =>
  `${head}metadata: {name: ${name}}\nspec: {rootfs: {path: /}, command: [/bin/true]}\n`;
const aliases = ['b', 'c', 'd', 'e', 'f', 'g'].map(
  (name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdef'[i]}`).join(',')}]`,
);

const bad: [what: string, text: string | Buffer, message: RegExp][] = [
  ['an empty file', '', /:1:1: the file is empty/],
  ['a binary file', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0xff, 0xfe, 0, 1]), /:1:1: the file is not text/],
  ['ten megabytes', `${head}${'# nothing to see\n'.repeat(620_000)}`, /has 105400\d\d bytes; .* at most 1048576/],
  ['a bomb of aliases', ['a: &a [x,x,x,x,x,x,x,x,x]', ...aliases].join('\n'), /aliases .* repeat too much/],
  ['a tab', `${head}metadata:\n\tname: tab\n`, /:4:1: there is a tab/],
  ['a duplicate key', `${head}kind: Container\n${named('twice').slice(head.length)}`, /:3:1: kind: .* already/],
  ['another kind', 'apiVersion: v1\nkind: Pod\nmetadata: {name: pod}\n', /:2:7: kind: expected Container/],
  ['another version', named('old').replace('v1alpha1', 'v1'), /:1:13: apiVersion: expected hob.dev\/v1alpha1/],
  ['an unknown field', spec('  comand: [/bin/true]\n'), /:6:3: spec.comand: .*did you mean command/],
  ['a number as a string', spec('  terminationGracePeriodSeconds: "10"\n'), /:6:34: .*take the quotes away/],
  ['negative memory', spec('  resources: {memory: -5Mi}\n'), /:6:23: spec.resources.memory: .*not be negative/],
  ['a name that is a path', named('../evil'), /metadata.name: expected a name of lower-case letters.*"\.\.\/evil"/],
  ['a name in upper case', named('UPPER'), /metadata.name: expected a name of lower-case letters/],
  ['a name without end', named('a'.repeat(300)), /metadata.name: expected at most 128 .*300 characters/],
];

const manifest = {
  apiVersion: 'hob.dev/v1alpha1',
  kind: 'Container',
  metadata: { name: 'loose' },
  spec: { rootfs: { path: hob.rootfs }, command: runsForever },
};

const fileOf = (what: string): string => `${what.replaceAll(' ', '-')}.yaml`;

describe('a file with a mistake', () => {
  beforeAll(() => bad.forEach(([what, text]) => put(hob, fileOf(what), text)));

  it.each(bad)('is told of, with its place: %s', async (what, _text, message) => {
    const path = join(hob.watch, fileOf(what));
    await untilEvent(hob, path, 'InvalidSpec', message);
  });

  it('keeps no other file from its container, and hob goes on', async () => {
    hob.drop('good', { command: runsForever });
    await hob.untilPhase('good', 'Running');
    expect(hob.all().map(({ metadata }) => metadata.name)).toEqual(['good']);
    hob.remove('good');
  });

  it('that others may write is refused, with the cure; the cure helps at once', async () => {
    const path = put(hob, 'loose.yaml', JSON.stringify(manifest), 0o666);
    await untilEvent(hob, path, 'InvalidSpec', /refused: .* can be written by everybody .*chmod go-w .*loose\.yaml/);
    expect(hob.get('loose')).toBeUndefined();
    chmodSync(path, 0o644);
    await hob.untilPhase('loose', 'Running');
    hob.remove('loose');
  });

  it('in a folder that others may write to is refused, too', async () => {
    const open = join(hob.watch, 'open');
    mkdirSync(open);
    chmodSync(open, 0o777);
    put(hob, 'open/planted.yaml', JSON.stringify({ ...manifest, metadata: { name: 'planted' } }));
    await untilEvent(hob, join(open, 'planted.yaml'), 'InvalidSpec', /refused: .*open can be written by everybody/);
    expect(hob.get('planted')).toBeUndefined();
    rmSync(open, { recursive: true });
  });

  it('among good documents costs only its own', async () => {
    const document = (name: string, rest: string): string =>
      `${head}metadata: {name: ${name}}\nspec:\n  rootfs: {path: ${hob.rootfs}}\n  terminationGracePeriodSeconds: 0\n  ${rest}\n`;
    const command = `command: ${JSON.stringify(runsForever)}`;
    const documents = [document('first', command), document('second', 'commnd: [x]'), document('third', command)];
    const path = put(hob, 'several.yaml', documents.join('---\n'));
    await hob.untilPhase('first', 'Running');
    await hob.untilPhase('third', 'Running');
    await untilEvent(hob, path, 'InvalidSpec', /spec.commnd: .*did you mean command/);
    expect(hob.get('second')).toBeUndefined();
    const pid = hob.get('first')?.status?.pid;
    writeFileSync(join(hob.watch, 'several.yaml'), 'x: [\n');
    await untilEvent(hob, path, 'InvalidSpec', /several\.yaml:2:1/);
    expect(hob.get('first')?.status).toMatchObject({ phase: 'Running', pid });
    hob.remove('several');
    await hob.until('first', 'is gone', (one) => one === undefined);
  });
});
