import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { runsForever, testHob, untilTrue } from '../support/hob.ts';

const hob = testHob();
afterAll(() => hob.dispose());

/** When there is a file `slow`, it takes longer to load than hob's start waits for. */
const source = `
  import { appendFileSync, existsSync } from 'node:fs';
  if (existsSync('${hob.dir}/slow')) await new Promise((go) => setTimeout(go, 2000));
  const trace = (point) => { appendFileSync('${hob.dir}/trace', point + '\\n'); return true; };
  export default { name: 'slow', hookHints: 12, postStart: () => trace('postStart'), postStop: () => trace('postStop') };`;

const traced = (): string =>
  existsSync(join(hob.dir, 'trace')) ? readFileSync(join(hob.dir, 'trace'), 'utf8').trim() : '';

it('a plugin that takes long to load holds up no start of hob, and has the hooks of those it is for all the same', async () => {
  writeFileSync(join(hob.plugins, 'slow.mjs'), source);
  await hob.start();
  hob.drop('one', { command: runsForever, plugins: [{ name: 'slow' }] });
  await hob.untilPhase('one', 'Running');
  await hob.until('one', 'has had its postStart', () => traced() === 'postStart');
  await hob.kill();

  writeFileSync(join(hob.dir, 'slow'), '');
  // Of another version hob does not know the hints yet.
  writeFileSync(join(hob.plugins, 'slow.mjs'), `${source}\n`);
  hob.remove('one');
  const before = hob.output().length;
  await hob.start();
  await hob.until('one', 'is gone', (one) => one === undefined);
  expect(traced()).toBe('postStart\npostStop');
  const saidSince = (): string => hob.output().slice(before);
  await untilTrue('hob says that the plugin is ready', () => saidSince().includes('plugin slow is ready'));
  const said = saidSince();
  expect(said).toContain('found 1 container again');
  expect(said.indexOf('found 1 container again')).toBeLessThan(said.indexOf('plugin slow is ready'));
});
