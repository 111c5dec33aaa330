import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runsForever, testHob, untilTrue } from '../support/hob.ts';

const hob = testHob();
beforeAll(() => hob.start());
afterAll(() => hob.dispose());

it('what is kept of a container that is gone, and cannot be removed, is removed by the next hob', async () => {
  hob.drop('web', { command: runsForever });
  const { metadata } = await hob.untilPhase('web', 'Running');
  const logs = join(hob.dir, 'state/logs/web');
  // Named as the log of an instance, and no file.
  mkdirSync(join(logs, `${(metadata.uid ?? '').slice(0, 8)}-9.log`), { recursive: true });
  hob.remove('web');
  await untilTrue('hob says so', () => hob.output().includes('what is kept of it could not be removed'));
  rmSync(logs, { recursive: true });
  mkdirSync(logs);
  await hob.kill();
  await hob.start();
  await untilTrue('nothing is left', () => !existsSync(logs));
  expect(hob.all()).toEqual([]);
});
