import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { inspect } from 'node:util';

/** All of hob's own code is below it. */
const ownSource = new URL('../', import.meta.url).href;

/** Longer than any message written for people. */
const longestWords = 4_000;

/** What a plugin threw, in one line, with the place in the plugin's code that it came from, where there is one. */
export const describeThrown = (error: unknown): string => inWords(() => wordsAndPlace(error));

/** The whole of what a plugin threw, for its author. */
export const inspectThrown = (error: unknown): string => inWords(() => inspect(error));

/** Anything can be thrown: also what throws something itself when somebody looks at it. */
export function inWords(describe: () => string): string {
  const none = 'something that cannot be put into words';
  try {
    return describe().slice(0, longestWords) || none;
  } catch {
    return none;
  }
}

function wordsAndPlace(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const place = urlsOf(error).find((url) => !url.startsWith(ownSource));
  return place === undefined ? String(error) : `${String(error)} (at ${place.replace('file://', '')})`;
}

const urlsOf = ({ stack }: Error): string[] =>
  String(stack)
    .matchAll(/file:\/\/[^)\s]+/g)
    .map(([url]) => url)
    .toArray();

/** The same for a module that could not be loaded. Of a mistake in its syntax, Node does not tell the place; its parser of types does. */
export function describeLoadError(error: unknown, path: string): string {
  const line = isSyntaxError(error) ? lineOfSyntaxError(path) : undefined;
  return line === undefined ? describeThrown(error) : inWords(() => `${String(error)} (at ${path}:${line})`);
}

/** As `instanceof`, which a Proxy may answer with a throw. */
function isSyntaxError(error: unknown): boolean {
  try {
    return error instanceof SyntaxError;
  } catch {
    return false;
  }
}

function lineOfSyntaxError(path: string): string | undefined {
  try {
    stripTypeScriptTypes(readFileSync(path, 'utf8'));
    return undefined;
  } catch (error) {
    return error instanceof Error ? /^[^\n]*:(\d+)\n/.exec(error.stack ?? '')?.[1] : undefined;
  }
}
