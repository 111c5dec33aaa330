import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';

/** An error of a plugin in one line, with the place in the plugin's code that it came from. */
export function describeThrown(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const place = /\(?(file:\/\/[^)\s]+)\)?/.exec(error.stack ?? '')?.[1];
  return place === undefined ? String(error) : `${String(error)} (at ${place.replace('file://', '')})`;
}

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
