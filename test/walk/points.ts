import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import {
  fileEffects,
  fileReads,
  harmless,
  libcEffects,
  libcReads,
  libcSyscalls,
  otherMeans,
  promisedFileEffects,
  quietSyscalls,
  statementName,
} from './boundary/effects.ts';

/**
 * Every fault point of hob and its keeper, read from their code: each place that calls a function of Node with an effect, each statement
 * that writes to the journal, each message of the two protocols. Whoever adds one, adds a point.
 */
export interface FaultPoint {
  readonly process: 'hob' | 'keeper';
  /** As the process names it when it gets there. */
  readonly point: string;
}

const root = join(import.meta.dirname, '../..');
/** What is no part of a running hob: the command line, the doctor, and the kit for authors of plugins. */
const elsewhere = /^src\/(cli|daemon\/doctor|hooks\/testing)(\/|\.ts)/;

export function faultPoints(): FaultPoint[] {
  const points = [...sources().flatMap(pointsOf), ...keeperMessages(), ...hookMessages(), ...libcCalls()];
  return [...new Map(points.map((each) => [`${each.process} ${each.point}`, each])).values()];
}

/** By what hob could change something, and of which nobody has said whether it does: such a change would not be walked. */
export const unknownMeans = (): string[] => sources().flatMap(unknownMeansIn);

export const unknownMeansIn = ({ path, tree }: Source): string[] =>
  [...unknownImports(tree), ...unknownNatives(tree.text)].map((what) => `${path}: ${what}`);

export const sourceOf = (path: string, text: string): Source => ({
  path,
  tree: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true),
});

const fileFunctions = [...fileEffects, ...promisedFileEffects, ...fileReads];
const knownMeans: Readonly<Record<string, readonly string[]>> = {
  ...otherMeans,
  'node:fs': fileFunctions,
  'node:fs/promises': fileFunctions,
};

const unknownImports = (tree: ts.SourceFile): string[] =>
  importsOf(tree).flatMap(({ module, name }) =>
    !module.startsWith('node:') || harmless.test(module) || knownMeans[module]?.includes(name)
      ? []
      : [`${name} of ${module}`],
  );

/** Functions of libc, as they are declared, and system calls, by their numbers. */
function unknownNatives(text: string): string[] {
  const functions = [...text.matchAll(/(\w+): \{ arguments: \[/g)].map(([, name = '']) => name);
  const calls = [...text.matchAll(/\bSYS_\w+ = (\d+)n/g)].map(([, number = '']) => number);
  const [known, knownCalls] = [
    [...libcEffects, ...libcReads, 'syscall'],
    [...Object.keys(libcSyscalls), ...quietSyscalls],
  ];
  return [
    ...functions.filter((name) => !known.includes(name)).map((name) => `${name} of libc`),
    ...calls.filter((number) => !knownCalls.includes(number)).map((number) => `system call ${number}`),
  ];
}

interface Source {
  readonly path: string;
  readonly tree: ts.SourceFile;
}

function sources(): Source[] {
  const paths = globSync('src/**/*.ts', { cwd: root }).filter((path) => !elsewhere.test(path));
  return paths.map((path) => sourceOf(path, readFileSync(join(root, path), 'utf8')));
}

const processOf = (path: string): FaultPoint['process'] => (path.startsWith('src/keeper/') ? 'keeper' : 'hob');

function pointsOf({ path, tree }: Source): FaultPoint[] {
  const effects = new Map(
    importsOf(tree).flatMap(({ local, name, module }) => (isEffect(module, name) ? [[local, name]] : [])),
  );
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    const site = `${path}:${tree.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
    if (ts.isCallExpression(node)) found.push(...callPoints(node, effects, site));
    if (path.startsWith('src/journal/')) found.push(...statementPoints(node));
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found.map((point) => ({ process: processOf(path), point }));
}

const isEffect = (module: string, name: string): boolean =>
  (module === 'node:fs' && fileEffects.some((each) => each === name)) ||
  (module === 'node:fs/promises' && promisedFileEffects.some((each) => each === name)) ||
  (module === 'node:child_process' && name === 'spawn');

function callPoints(call: ts.CallExpression, effects: ReadonlyMap<string, string>, site: string): string[] {
  const callee = call.expression.getText();
  if (callee === 'process.kill') return [`signal: kill at ${site}`];
  const name = ts.isIdentifier(call.expression) ? effects.get(callee) : undefined;
  if (name === undefined || (/^open/.test(name) && onlyReads(flagsOf(call)))) return [];
  return [`${name === 'spawn' ? 'process' : 'file'}: ${name} at ${site}`];
}

const onlyReads = (flags: string | undefined): boolean =>
  flags === undefined || flags === "'r'" || (/O_RDONLY/.test(flags) && !/O_(RDWR|WRONLY|CREAT)/.test(flags));

/** As they are written, or as the constant of the file that they are named by. */
function flagsOf(call: ts.CallExpression): string | undefined {
  const [, flags] = call.arguments;
  const text = flags?.getText();
  if (!flags || !ts.isIdentifier(flags)) return text;
  return new RegExp(`const ${text} = ([^;]*);`).exec(call.getSourceFile().text)?.[1] ?? text;
}

function statementPoints(node: ts.Node): string[] {
  if (!ts.isStringLiteralLike(node) && !ts.isTemplateExpression(node)) return [];
  const name = statementName(ts.isTemplateExpression(node) ? node.head.text : node.text);
  return name === undefined ? [] : [name];
}

interface Import {
  readonly module: string;
  /** `default` and `*` for the whole module. */
  readonly name: string;
  readonly local: string;
}

const importsOf = (tree: ts.SourceFile): Import[] => [...declaredImports(tree), ...askedFor(tree)];

const declaredImports = (tree: ts.SourceFile): Import[] =>
  tree.statements.filter(ts.isImportDeclaration).flatMap(({ moduleSpecifier, importClause }) => {
    if (!ts.isStringLiteral(moduleSpecifier) || importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword) return [];
    const { text: module } = moduleSpecifier;
    const whole = importClause?.name ? [{ module, name: 'default', local: importClause.name.text }] : [];
    return [...whole, ...namedImports(module, importClause?.namedBindings)];
  });

/** `process.getBuiltinModule` is the other way to a module of Node. */
function askedFor(tree: ts.SourceFile): Import[] {
  const found: Import[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && /\bgetBuiltinModule$/.test(node.expression.getText())) found.push(...taken(node));
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

/** Which module the call asks for, and what is taken of it: all, unless that is said right there. */
function taken({ arguments: [argument], parent }: ts.CallExpression): Import[] {
  const module = argument && ts.isStringLiteral(argument) ? `node:${argument.text.replace(/^node:/, '')}` : 'node:?';
  const names = ts.isVariableDeclaration(parent) ? parent.name : undefined;
  if (!names || !ts.isObjectBindingPattern(names))
    return [{ module, name: 'default', local: names?.getText() ?? 'default' }];
  return names.elements.map(({ name, propertyName, dotDotDotToken }) => ({
    module,
    name: dotDotDotToken ? '*' : (propertyName ?? name).getText(),
    local: name.getText(),
  }));
}

function namedImports(module: string, names: ts.NamedImportBindings | undefined): Import[] {
  if (!names) return [];
  if (ts.isNamespaceImport(names)) return [{ module, name: '*', local: names.name.text }];
  return names.elements
    .filter(({ isTypeOnly }) => !isTypeOnly)
    .map(({ name, propertyName }) => ({ module, name: (propertyName ?? name).text, local: name.text }));
}

/** The literals of a discriminated union of messages: `op: 'start'`. */
const literals = (path: string, field: string): string[] => [
  ...new Set(
    [...readFileSync(join(root, path), 'utf8').matchAll(new RegExp(`readonly ${field}: '(\\w+)'`, 'g'))].map(
      ([, word = '']) => word,
    ),
  ),
];

function keeperMessages(): FaultPoint[] {
  const requests = literals('src/keeper/protocol.ts', 'op').flatMap((op): FaultPoint[] => [
    { process: 'hob', point: `keeper: send ${op}` },
    { process: 'keeper', point: `keeper: receive ${op}` },
    { process: 'keeper', point: `keeper: send answer to ${op}` },
    { process: 'hob', point: `keeper: receive answer to ${op}` },
  ]);
  const events = literals('src/keeper/protocol.ts', 'event').flatMap((event): FaultPoint[] => [
    { process: 'keeper', point: `keeper: send ${event}` },
    { process: 'hob', point: `keeper: receive ${event}` },
  ]);
  return [...requests, ...events];
}

function hookMessages(): FaultPoint[] {
  const text = readFileSync(join(root, 'src/hooks/module/protocol.ts'), 'utf8');
  const [before = '', after = ''] = text.split('export type FromThread');
  const kinds = (part: string): string[] => [...part.matchAll(/readonly kind: '(\w+)'/g)].map(([, kind = '']) => kind);
  return [
    ...kinds(before).map((kind): FaultPoint => ({ process: 'hob', point: `hook: send ${kind}` })),
    ...kinds(after).map((kind): FaultPoint => ({ process: 'hob', point: `hook: receive ${kind}` })),
  ];
}

/** In src/host/libc.ts alone; the keeper's own has none with an effect. */
const libcCalls = (): FaultPoint[] =>
  [
    ...libcEffects.map((name) => `${name === 'mkfifo' ? 'file' : 'mount'}: ${name}`),
    ...Object.values(libcSyscalls).map((name) => `signal: ${name}`),
  ].map((point) => ({ process: 'hob', point }));
