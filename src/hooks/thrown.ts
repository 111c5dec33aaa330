import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';

/** All of hob's own code is below it. */
const ownSource = new URL('../', import.meta.url).href;

/** An error of a plugin in one line, with the place in the plugin's code that it came from, where there is one. */
export function describeThrown(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const place = urlsOf(error).find((url) => !url.startsWith(ownSource));
  return place === undefined ? String(error) : `${String(error)} (at ${place.replace('file://', '')})`;
}

const urlsOf = ({ stack = '' }: Error): string[] =>
  stack
    .matchAll(/file:\/\/[^)\s]+/g)
    .map(([url]) => url)
    .toArray();

/** The same for a module that could not be loaded. Of a mistake in its syntax, Node does not tell the place; its parser of types does. */
export function describeLoadError(error: unknown, path: string): string {
  const line = error instanceof SyntaxError ? lineOfSyntaxError(path) : undefined;
  return line === undefined ? describeThrown(error) : `${String(error)} (at ${path}:${line})`;
}

function lineOfSyntaxError(path: string): string | undefined {
  try {
    stripTypeScriptTypes(readFileSync(path, 'utf8'));
    return undefined;
  } catch (error) {
    return error instanceof Error ? /^[^\n]*:(\d+)\n/.exec(error.stack ?? '')?.[1] : undefined;
  }
}
