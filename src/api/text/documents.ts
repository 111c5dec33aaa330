import { Composer, Lexer, Parser, type CST, type ParsedNode } from 'yaml';
import { checkNodes } from './check-nodes.ts';
import { syntaxFaults } from './syntax-faults.ts';
import type { Fault, YamlDocument } from './yaml-document.ts';

/** One YAML document. JSON is YAML as well. */
export interface SpecDocument {
  readonly yaml: YamlDocument;
  /** What the document says; undefined when it says nothing, or is so broken that what it says means nothing. */
  readonly value: unknown;
  readonly faults: readonly Fault[];
}

/** How deep lists and objects may be in one another; each takes up to two places on the parser's stack. */
const deepestStack = 200;
/** The parser's work on nonsense grows faster than the text. 1 MiB of specs has some 500 000 lexemes. */
const mostLexemes = 700_000;
/** How often one thing may be repeated by aliases, counting repetitions in what is repeated. */
const mostRepetitions = 100;

/** Fields that are there twice are found by `checkNodes`: `yaml` compares each with each, which takes minutes for a large file. */
const options = {
  logLevel: 'silent',
  merge: false,
  prettyErrors: false,
  resolveKnownTags: false,
  schema: 'core',
  uniqueKeys: false,
} as const;

/** The documents of a text, each with all that is wrong with its syntax. Never throws; the work is bounded. */
export function readDocuments(text: string): { documents: SpecDocument[]; fault?: Fault } {
  let fault = tooMuch(text);
  if (fault !== undefined) return { documents: [], fault };
  const tokens = boundedTokens(text, (tooDeep) => (fault = tooDeep));
  const documents = [...new Composer<ParsedNode>(options).compose(tokens)].map(readDocument);
  return fault === undefined ? { documents } : { documents: [], fault };
}

/** Counted only when there could be so many: it means to read the text twice. */
function tooMuch(text: string): Fault | undefined {
  if (text.length < mostLexemes) return undefined;
  let lexemes = 0;
  for (const _ of new Lexer().lex(text)) lexemes++;
  return lexemes > mostLexemes
    ? { offset: 0, path: [], message: 'there is too much in this file; divide it' }
    : undefined;
}

function* boundedTokens(text: string, giveUp: (fault: Fault) => void): Generator<CST.Token> {
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text)) {
    yield* parser.next(lexeme);
    if (parser.stack.length > deepestStack) return giveUp({ offset: parser.offset, path: [], message: tooDeep });
  }
  yield* parser.end();
}

const tooDeep = 'lists and objects are nested too deep in one another (100 levels and more)';

function readDocument(yaml: YamlDocument): SpecDocument {
  const syntax = syntaxFaults(yaml);
  if (syntax.length > 0) return { yaml, value: undefined, faults: syntax };
  const faults = checkNodes(yaml);
  try {
    return { yaml, value: yaml.toJS({ maxAliasCount: mostRepetitions }), faults };
  } catch {
    const message = 'the aliases (*) of this document repeat too much';
    const bomb: Fault = { offset: yaml.range[0], path: [], message };
    return { yaml, value: undefined, faults: faults.length > 0 ? faults : [bomb] };
  }
}
