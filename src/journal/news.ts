import type { Opened } from './database.ts';
import type { JournalNews } from './journal.ts';

/** What people have to be told of a journal that was opened. */
export function newsOf(path: string, opened: Omit<Opened<unknown>, 'db' | 'tables'>, restored: number): JournalNews[] {
  return [...lost(path, opened, restored), ...elsewhere(opened)];
}

function lost(path: string, { isNew, kept }: Omit<Opened<unknown>, 'db' | 'tables'>, restored: number): JournalNews[] {
  if (kept === undefined && restored === 0) return [];
  if (kept === undefined && !isNew)
    return [
      {
        reason: 'JournalBehind',
        message: `the journal ${path} was behind, or damaged, for ${counted(restored)}; the copies in the run directory were not, and hold`,
      },
    ];
  const what = kept === undefined ? `${path} was gone, or empty` : `${path} cannot be used: ${kept}`;
  const found = restored === 0 ? 'the run directory tells of none' : `${counted(restored)}, from the run directory`;
  const message = `the journal ${what}. A new one is begun. Known as before: ${found}; past events and earlier calls of hooks are forgotten`;
  return [{ reason: 'JournalLost', message }];
}

function elsewhere({ elsewhere: why }: Pick<Opened<unknown>, 'elsewhere'>): JournalNews[] {
  if (why === undefined) return [];
  const message = `${why} Until hob is started again after that, it keeps the journal in its run directory, which a restart of the host empties`;
  return [{ reason: 'JournalElsewhere', message }];
}

const counted = (count: number): string => (count === 1 ? '1 container' : `${count} containers`);
