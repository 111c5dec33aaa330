/** What this source has told its sink of each file, so that nothing is told twice. */

import { hash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { SpecMistake } from '../../api/container.ts';
import { parseSpecs } from '../../api/parse.ts';
import type { Declaration, SourceSink } from '../source.ts';
import type { DirectoryOptions } from './options.ts';
import { readBytes, type FileSight } from './sight.ts';

/** Clocks of filesystems are this coarse at worst; a younger file can change again without its stamp showing it. */
const STAMP_IS_SURE_AFTER_MS = 50;

export interface Declared {
  has(name: string): boolean;
  names(): string[];
  /** Whether the last that was told of it is that it was refused for this. */
  isTold(name: string, why: string): boolean;
  /** How often the sink was told something. */
  tellings(): number;
  /** Whether what is seen could be other than what was told. */
  isNews(name: string, sight: FileSight): boolean;
  /** Whether the name is a link that was made to lead to another file since that was told. A swap of links publishes complete files. */
  isSwapped(name: string, sight: FileSight): boolean;
  /** Read the file and tell what it declares. False when it was changed while it was read; then nothing is told. */
  take(real: string, name: string, sight: FileSight): boolean;
  /** Tell that the file is there but says nothing that can be used. What it declared before stays. */
  refuse(name: string, why: string): void;
  withdraw(name: string): void;
}

interface Known {
  /** Of the file when it was read, or '' when it has to be read again to be sure. */
  readonly stamp: string;
  readonly identity: string;
  /** What was told: a hash of the content, or why the file was refused. */
  readonly told: string;
}

/** Origins are paths in `path`, the watched one. */
export interface DeclaredOptions extends Pick<DirectoryOptions, 'path' | 'trust'> {
  readonly sink: Pick<SourceSink, 'declare' | 'withdraw'>;
}

export function createDeclared({ path, sink, trust }: DeclaredOptions): Declared {
  const known = new Map<string, Known>();
  let count = 0;
  const originOf = (name: string): string => join(path, name);

  const isNews = (name: string, { stamp }: FileSight): boolean =>
    known.get(name)?.stamp !== stamp || trust(originOf(name)) !== undefined;

  function take(real: string, name: string, sight: FileSight): boolean {
    const fault = trust(originOf(name));
    if (fault !== undefined && !isSameFile(originOf(name), join(real, name))) return false;
    if (fault !== undefined) {
      refuse(name, `is refused: ${fault}`, sight.identity);
      return true;
    }
    const content = readBytes(join(real, name), sight.stamp);
    if (!content) return false;
    if ('why' in content) refuse(name, content.why, sight.identity);
    else declare(name, sight, content.bytes);
    return true;
  }

  function declare(name: string, { stamp, identity, quietMs }: FileSight, bytes: Buffer): void {
    const told = hash('sha256', bytes, 'base64');
    const isNew = known.get(name)?.told !== told;
    known.set(name, { stamp: quietMs >= STAMP_IS_SURE_AFTER_MS ? stamp : '', identity, told });
    if (isNew) tell(name, parseSpecs(bytes, originOf(name)));
  }

  function refuse(name: string, why: string, identity = ''): void {
    const isNew = known.get(name)?.told !== why;
    known.set(name, { stamp: '', identity, told: why });
    if (isNew) tell(name, { containers: [], mistakes: [mistake(originOf(name), why)] });
  }

  function tell(name: string, declaration: Declaration): void {
    count++;
    sink.declare(originOf(name), declaration);
  }

  return {
    has: (name) => known.has(name),
    names: () => [...known.keys()],
    isTold: (name, why) => known.get(name)?.told === why,
    tellings: () => count,
    isNews,
    isSwapped: (name, { isLink, identity }) => isLink && known.get(name)?.identity !== identity,
    take,
    refuse,
    withdraw: (name) => {
      known.delete(name);
      sink.withdraw(originOf(name));
    },
  };
}

/** No: it went, or the folder was swapped for another, between being seen and being judged. */
function isSameFile(path: string, other: string): boolean {
  try {
    return realpathSync(path) === realpathSync(other);
  } catch {
    return false;
  }
}

/** About the file as a whole. */
const mistake = (origin: string, why: string): SpecMistake => ({
  origin,
  line: 1,
  column: 1,
  path: '',
  message: `this file ${why}`,
});
