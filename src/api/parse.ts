import type { Container, SpecMistake } from './container.ts';
import { pathText } from './finding.ts';
import { readSpecs, type SpecFault } from './read-specs.ts';
import { decode } from './text/decode.ts';
import { lineAndColumn } from './text/line-column.ts';

/** What a text declares. A container with a mistake in it is not among `containers`. */
export interface ParsedSpecs {
  readonly containers: Container[];
  readonly mistakes: SpecMistake[];
}

/** A text may be nonsense from end to end; nobody reads more than this. */
const mostMistakes = 100;

/**
 * Read a text of Container specs: YAML of one or several documents, or JSON. All mistakes are found at once, each with
 * its place. Never throws.
 * @param origin the file, or where else the text came from; it becomes part of the mistakes
 */
export function parseSpecs(input: string | Uint8Array, origin: string): ParsedSpecs {
  const { text = '', fault } = decode(input);
  if (fault !== undefined)
    return { containers: [], mistakes: [toMistake({ offset: 0, path: [], message: fault }, '', origin)] };
  const { containers, faults } = readSpecs(text);
  const inOrder = faults.toSorted((one, other) => one.offset - other.offset);
  return { containers, mistakes: shortened(inOrder).map((one) => toMistake(one, text, origin)) };
}

function shortened(faults: readonly SpecFault[]): readonly SpecFault[] {
  const more = faults.slice(mostMistakes);
  if (more[0] === undefined) return faults;
  const { offset } = more[0];
  return [
    ...faults.slice(0, mostMistakes),
    { offset, path: [], message: `there are ${more.length} more mistakes from here on` },
  ];
}

function toMistake({ offset, path, message, name, namespace }: SpecFault, text: string, origin: string): SpecMistake {
  const known = { ...(name !== undefined && { name }), ...(namespace !== undefined && { namespace }) };
  return { origin, ...lineAndColumn(text, offset), path: pathText(path), message, ...known };
}

/** `FILE:LINE:COLUMN: PATH: MESSAGE`; without a text `ORIGIN: PATH: MESSAGE`. */
export function formatMistake(mistake: SpecMistake): string {
  const { path, message } = mistake;
  return `${placeOf(mistake)}: ${path === '' ? '' : `${path}: `}${message}`;
}

/** `FILE:LINE:COLUMN`, as compilers write it, so that editors and terminals can jump there; without a text the origin alone. */
export function placeOf({ origin, line, column }: Pick<SpecMistake, 'origin' | 'line' | 'column'>): string {
  return [origin, line, column].filter((part) => part !== undefined).join(':');
}
