import type { ErrorCode } from 'yaml';
import type { Fault, YamlDocument } from './yaml-document.ts';

/** One slip makes many others look like errors, so only the first are told. */
const mostTold = 5;

/** What the YAML parser complains about, in words that repeat nothing of the text: it may hold secrets. */
export function syntaxFaults({ errors, warnings }: YamlDocument): Fault[] {
  const complaints = [...errors, ...warnings].slice(0, mostTold);
  return complaints.map(({ pos, code }) => ({
    offset: pos[0],
    path: [],
    message: words[code] ?? 'this is not valid YAML',
  }));
}

const notHere = 'this does not fit here; is a ":", a "-", a comma or a quote missing, or too much?';
const tags = 'tags (!) have no meaning here; put a string that begins with "!" in quotes';

const words: Partial<Record<ErrorCode, string>> = {
  ALIAS_PROPS: 'an alias (*) cannot have a tag or an anchor',
  BAD_ALIAS: 'an alias (*) and an anchor (&) need a name; put a string that begins with one of the two in quotes',
  BAD_COLLECTION_TYPE: tags,
  BAD_DIRECTIVE: 'this directive (%) is not known; put a string that begins with "%" in quotes',
  BAD_DQ_ESCAPE: 'no such escape (\\) in double quotes; single quotes take it as it is',
  BAD_INDENT: 'the indentation does not fit the lines above',
  BAD_PROP_ORDER: 'an anchor (&) belongs before what it names',
  BAD_SCALAR_START: 'a string cannot begin with this character; put it in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'there is a second ": " on this line; begin a new line, or put the value in quotes',
  BLOCK_IN_FLOW: 'inside [] and {} everything is written with [], {} and commas',
  KEY_OVER_1024_CHARS: 'the name of a field is too long; is a ":" missing?',
  MISSING_CHAR: 'a closing quote or bracket, a comma or a ":" is missing',
  MULTILINE_IMPLICIT_KEY: 'the name of a field and its ":" must be on one line; is a ":" or a closing quote missing?',
  MULTIPLE_ANCHORS: 'a thing can have only one anchor (&)',
  MULTIPLE_TAGS: tags,
  TAB_AS_INDENT: 'there is a tab in the indentation; use spaces',
  TAG_RESOLVE_FAILED: tags,
  UNEXPECTED_TOKEN: notHere,
};
