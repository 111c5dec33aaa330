import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkIdentity } from '../identity.ts';
import { isModuleDescription } from './messages.ts';
import type { ModuleDescription } from './protocol.ts';

/**
 * What a module said of itself when it was last loaded, in its state folder. So a new hob knows its hints without a thread, which takes
 * 8 MB and a part of hob's start, and of which most plugins are in no need at any moment.
 */

interface Known {
  /** Of the plugin's files, and of what they are run by: both decide what a module says. */
  readonly version: string;
  readonly node: string;
  readonly module: ModuleDescription;
}

const fileIn = (stateDir: string): string => join(stateDir, '.identity.json');

/** Undefined where this version was not loaded yet, or the file says nothing that a module would say. */
export function knownIdentity(stateDir: string, version: string): ModuleDescription | undefined {
  try {
    const { version: of, node, module } = JSON.parse(readFileSync(fileIn(stateDir), 'utf8')) as Partial<Known>;
    if (of !== version || node !== process.version || !isModuleDescription(module)) return undefined;
    checkIdentity(module);
    return module;
  } catch {
    return undefined;
  }
}

/** Where it cannot be written, the next hob asks the module again. */
export function rememberIdentity(stateDir: string, version: string, module: ModuleDescription): void {
  const known: Known = { version, node: process.version, module };
  try {
    writeFileSync(`${fileIn(stateDir)}.new`, JSON.stringify(known), { mode: 0o600 });
    renameSync(`${fileIn(stateDir)}.new`, fileIn(stateDir));
  } catch {
    forgetIdentity(stateDir);
  }
}

export const forgetIdentity = (stateDir: string): void => rmSync(fileIn(stateDir), { force: true });
