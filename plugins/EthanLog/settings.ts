import { type DataFields, readData } from 'hob/data';
import { type LevelName, levelNamed, levelNames } from './levels.ts';
import type { Rate } from './rate-limit.ts';

/** What a spec says about the log of its container. */
export interface Settings {
  /** What each record is tagged with. */
  readonly name: string;
  /** Records of other levels are dropped. */
  readonly levels: readonly LevelName[];
  readonly rateLimit?: Rate;
}

/** Read a container's `data`. Throws an Error that names the field and what it has to be. */
export function readSettings(id: string, data: unknown): Settings {
  const fields = readData(data);
  const name = fields.string('name') ?? id;
  const levels = fields.strings('loglevels')?.flatMap(levelsOf) ?? levelNames;
  const rate = fields.object('rateLimit');
  const rateLimit = rate && readRate(rate);
  fields.end();
  if (name === '') throw fields.wrong('name', 'a string that is not empty');
  return { name, levels: levelNames.filter((level) => levels.includes(level)), ...(rateLimit && { rateLimit }) };
}

function readRate(fields: DataFields): Rate {
  const [rate, burstSize] = ['rate', 'burstSize'].map((name) => {
    const value = fields.integer(name, { min: 1 });
    if (value === undefined) throw fields.wrong(name, 'an integer of 1 or more');
    return value;
  }) as [number, number];
  return { rate, burstSize };
}

/** Dobby's `default` stands for what is there when nothing is said. */
function levelsOf(name: string): readonly LevelName[] {
  if (name.toLowerCase() === 'default') return levelNames;
  const level = levelNamed(name);
  if (level) return [level.name];
  throw new TypeError(
    `data.loglevels: there is no level ${JSON.stringify(name)}; there are ${['default', ...levelNames].join(', ')}`,
  );
}
