import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { meansMissing, wordsOf } from '../../host/errors.ts';

/** What the package.json in the folder of a plugin says to hob. */
export interface Manifest {
  /** The module, from the folder. */
  readonly main?: string;
  /** `"hob": {"environment": ["NAME"]}`: variables of hob's own environment that the plugin is to have. */
  readonly environment: readonly string[];
  /** What is wrong with it. */
  readonly fault?: string;
}

const variablePattern = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Read it, if there is one. Never rejects. */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, 'package.json');
  try {
    return manifestOf(JSON.parse(await readFile(path, 'utf8')), path);
  } catch (error) {
    if (meansMissing(error)) return { environment: [] };
    return { environment: [], fault: `${path} cannot be read: ${wordsOf(error)}` };
  }
}

function manifestOf(manifest: unknown, path: string): Manifest {
  const { main, hob } = fieldsOf(manifest);
  const { environment = [] } = fieldsOf(hob);
  const module = typeof main === 'string' ? { main } : {};
  if (isVariables(environment)) return { ...module, environment };
  const fault = `"hob": {"environment": ...} in ${path} must be a list of names of environment variables`;
  return { ...module, environment: [], fault };
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? { ...value } : {};

const isVariables = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((name) => typeof name === 'string' && variablePattern.test(name));
