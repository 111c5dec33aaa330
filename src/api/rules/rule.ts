import type { Container } from '../container.ts';
import { quoted, type Finding, type Path } from '../finding.ts';

/** A rule about several fields together, or one that a schema cannot say. */
export interface Rule {
  /** The fields it looks at, dotted: `spec.mounts`. */
  readonly reads: readonly string[];
  find(container: Container): Finding[];
}

/** Something wrong with the value at a path. */
export function wrong(path: Path, message: string): Finding {
  return { path, at: 'value', message };
}

/** Something that is missing at a path. */
export function missing(path: Path, message: string): Finding {
  return { path, at: 'parent', message };
}

/** A finding for each item of the list at `path` whose `name` an earlier item has. */
export function repeated(list: readonly string[], path: Path, name: string): Finding[] {
  return list.flatMap((value, index) => {
    const first = list.indexOf(value);
    return first === index
      ? []
      : [wrong([...path, index, name], `${quoted(value)} is there already, as entry ${first}`)];
  });
}
