import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backoffMs } from '../../machines/context.ts';
import { putShellPlugin } from '../support/faults.ts';
import { isAlive } from '../support/processes.ts';
import { runsForever, testHob, untilTrue } from '../support/hob.ts';

const hob = testHob();
beforeAll(() => hob.start());
afterAll(() => hob.dispose());

const untilGone = (name: string) => hob.until(name, 'is gone', (one) => one === undefined);

/** Each life of the container adds a line to a file of its name. */
const counts = (name: string, rest: string) => ({
  command: ['/bin/sh', '-c', `echo life >>/mnt/${name}.lives; ${rest}`],
  mounts: [{ source: hob.dir, destination: '/mnt' }],
});
const livesOf = (name: string): number => {
  const path = join(hob.dir, `${name}.lives`);
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0;
};

describe('kill -9 of hob', () => {
  it('in a back-off, and the spec is taken away: the container is not started once more', async () => {
    hob.drop('loops', counts('loops', 'exit 3'));
    const { status } = await hob.untilPhase('loops', 'Backoff');
    await hob.kill();
    hob.remove('loops');
    const lives = livesOf('loops');
    await untilTrue('its back-off is over', () => Date.now() > Date.parse(status?.nextRestartAt ?? ''));
    await hob.start();
    await untilGone('loops');
    expect(livesOf('loops')).toBe(lives);
  });

  it('again and again resets neither back-off nor restart count', async () => {
    hob.drop('crasher', counts('crasher', 'exit 3'));
    for (let deaths = 0; deaths < 3; deaths += 1) {
      const lives = livesOf('crasher');
      await untilTrue('it has had another life', () => livesOf('crasher') > lives);
      await hob.kill();
      await hob.start();
    }
    const { status } = await hob.untilPhase('crasher', 'Backoff');
    const { restartCount = 0, nextRestartAt = '', lastTermination } = status ?? {};
    expect(restartCount).toBe(livesOf('crasher') - 1);
    expect(Date.parse(nextRestartAt)).toBeGreaterThanOrEqual(
      Date.parse(lastTermination?.finishedAt ?? '') + backoffMs(restartCount + 1),
    );
    hob.remove('crasher');
    await untilGone('crasher');
  });

  it('in a grace period of an hour that is over meanwhile: the next one kills', async () => {
    const stubborn = ['/bin/sh', '-c', 'trap "echo deaf" TERM; while true; do sleep 0.1; done'];
    hob.drop('stubborn', { command: stubborn, terminationGracePeriodSeconds: 3600 });
    const { status } = await hob.untilPhase('stubborn', 'Running');
    hob.remove('stubborn');
    await hob.untilPhase('stubborn', 'Stopping');
    await hob.kill();
    const askedAt = "'$.context.instance.stopAskedAt'";
    const begun = inJournal((db) =>
      db.prepare(`SELECT json_extract(context, ${askedAt}) AS at FROM container WHERE id = 'stubborn'`).get(),
    );
    expect(begun?.['at']).toBeLessThanOrEqual(uptime());
    inJournal((db) =>
      db
        .prepare(
          `UPDATE container SET revision = revision + 1, context = json_set(context, ${askedAt}, ?) WHERE id = 'stubborn'`,
        )
        .run(uptime() - 3600),
    );
    expect(isAlive(status?.pid ?? 0)).toBe(true);
    await hob.start();
    await untilGone('stubborn');
  });

  it('while a container waits for a plugin that comes meanwhile: it goes on by itself', async () => {
    hob.drop('needs', { command: runsForever, plugins: [{ name: 'late' }] });
    await hob.until('needs', 'waits', (one) => JSON.stringify(one?.status ?? {}).includes('PluginNotFound'));
    await hob.kill();
    putShellPlugin(hob, 'late', 1, '*) ;;');
    await hob.start();
    await hob.untilPhase('needs', 'Running');
    hob.remove('needs');
    await untilGone('needs');
  });

  it('just before a container that is gone is forgotten: the next one forgets it, its logs with it', async () => {
    hob.drop('brief', { command: runsForever });
    await hob.untilPhase('brief', 'Running');
    const logs = join(hob.dir, 'state/logs/brief');
    await hob.kill();
    const row = inJournal((db) => db.prepare("SELECT * FROM container WHERE id = 'brief'").get()) ?? {};
    await hob.start();
    hob.remove('brief');
    await untilGone('brief');
    await hob.kill();
    mkdirSync(logs, { recursive: true });
    writeFileSync(join(logs, `${String(row['uid']).slice(0, 8)}-1.log`), '');
    const columns = Object.keys(row);
    inJournal((db) =>
      db
        .prepare(
          `INSERT OR REPLACE INTO container (${columns.join()}) VALUES (${columns.map((name) => `:${name}`).join()})`,
        )
        .run({ ...row, state: 'gone' }),
    );
    await hob.start();
    await untilTrue('its logs are gone', () => !existsSync(logs));
    // Which waits for what is being forgotten.
    await hob.stop();
    expect(inJournal((db) => db.prepare("SELECT 1 FROM container WHERE id = 'brief'").get())).toBeUndefined();
  });
});

function inJournal<Answer>(ask: (db: DatabaseSync) => Answer): Answer {
  const db = new DatabaseSync(join(hob.dir, 'state/journal.db'));
  try {
    return ask(db);
  } finally {
    db.close();
  }
}
