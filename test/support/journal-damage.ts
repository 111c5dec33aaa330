import {
  closeSync,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Ways in which a journal's file comes to grief while hob is dead. */
export const journalDamages: Readonly<Record<string, (path: string) => void>> = {
  'is deleted': removeJournal,
  'is truncated to nothing': (path) => truncateSync(path),
  'is cut in the middle of a page': (path) => truncateSync(path, 5 * 4096 + 100),
  'has flipped bits in its pages': (path) =>
    everyPage(path, (page) => page.map((byte, at) => (at % 97 ? byte : byte ^ 4))),
  'is overwritten with noise, and its write-ahead log as well': (path) => {
    for (const file of [path, `${path}-wal`]) writeFileSync(file, Buffer.alloc(50_000, 'noise'));
  },
  'is of a newer hob': (path) => alter(path, 'PRAGMA user_version = 7000'),
  'has records in which bits are flipped': (path) =>
    alter(path, `UPDATE container SET context = replace(replace(context, 'restartCount', 'restartCounu'), '}', ']')`),
  'has records of another version of the machine': (path) => alter(path, 'UPDATE container SET machine_version = 99'),
  'lost its last writes with its write-ahead log': (path) => writeFileSync(`${path}-wal`, ''),
};

export function removeJournal(path: string): void {
  for (const name of readdirSync(dirname(path))) if (name.startsWith(basename(path))) rmSync(join(dirname(path), name));
}

export function alter(path: string, sql: string): void {
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
}

/** All but the first, without which it would be no database at all. */
function everyPage(path: string, change: (page: Buffer) => Uint8Array): void {
  const fd = openSync(path, 'r+');
  const page = Buffer.alloc(4096);
  for (let at = 4096; at < fstatSync(fd).size; at += 4096) {
    readSync(fd, page, 0, page.length, at);
    writeSync(fd, change(page), 0, page.length, at);
  }
  closeSync(fd);
}
