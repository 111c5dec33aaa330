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
/** The parser's work on nonsense grows faster than the text. 1 MiB of specs has fewer lexemes than this. */
const mostLexemes = 500_000;
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
  let fault: Fault | undefined;
  const tokens = boundedTokens(text, (reason) => (fault = reason));
  const documents = [...new Composer<ParsedNode>(options).compose(tokens)].map(readDocument);
  return fault === undefined ? { documents } : { documents: [], fault };
}

function* boundedTokens(text: string, giveUp: (fault: Fault) => void): Generator<CST.Token> {
  const parser = new Parser();
  let lexemes = 0;
  for (const lexeme of new Lexer().lex(text)) {
    yield* parser.next(lexeme);
    const excess = tooMuch(parser.stack.length, ++lexemes);
    if (excess !== undefined) return giveUp({ offset: parser.offset, path: [], message: excess });
  }
  yield* parser.end();
}

function tooMuch(stack: number, lexemes: number): string | undefined {
  if (stack > deepestStack) return 'lists and objects are nested too deep in one another (100 levels and more)';
  return lexemes > mostLexemes ? 'there is too much in this file; divide it' : undefined;
}

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
