import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { isAlive } from '../support/processes.ts';
import { until } from '../support/until.ts';

const script = `
  import { removeAfterwards, startBoundProcess } from '${join(import.meta.dirname, 'support/bound-process.ts')}';
  const [directory] = process.argv.slice(-1);
  removeAfterwards(directory);
  console.log(startBoundProcess('sleep', ['1000'], { log: directory + '/log' }).pid);
  setInterval(() => undefined, 1000);
`;

it('nothing is left of what a test has started when it is killed', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'hob-bound-process-'));
  const test = spawn(process.execPath, ['--input-type=module-typescript', '-e', script, directory]);
  const [printed] = (await once(test.stdout, 'data')) as [Buffer];
  const pid = Number(printed.toString());
  await until('it runs', () => readFileSync(`/proc/${pid}/comm`, 'utf8') === 'sleep\n');
  test.kill('SIGKILL');
  await until('it has ended', () => !isAlive(pid));
  await until('the directory is gone', () => !existsSync(directory));
  expect(existsSync(directory)).toBe(false);
});
