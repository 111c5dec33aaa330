import type { Document, ParsedNode } from 'yaml';
import type { Path } from '../finding.ts';

/** A document as `yaml` parsed it. */
export type YamlDocument = Document.Parsed<ParsedNode, true>;

/** Something wrong with a text. */
export interface Fault {
  /** Where in the text, in characters from its beginning. */
  readonly offset: number;
  readonly path: Path;
  readonly message: string;
}
