import { hintNames, hookMode, parseHints, unknownHints } from './hint-flags.ts';
import { type HookPoint, hookPoints } from './plugin.ts';
import type { PluginIdentity } from './registered-plugin.ts';

/** Names become folder names and parts of messages. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** What a plugin says of itself; nothing of it is checked yet. */
export interface ClaimedIdentity {
  readonly name?: unknown;
  readonly hookHints?: unknown;
  /** The hook points it has a method for, where that can be known. */
  readonly methods?: readonly HookPoint[];
  /** Those of them that are more than what PluginBase has. */
  readonly written?: readonly HookPoint[];
}

/** Check what a plugin says of itself. Throws an Error that says what is wrong and what is right. */
export function checkIdentity({ name, hookHints, methods, written = [] }: ClaimedIdentity): PluginIdentity {
  const identity = { name: checkName(name), hookHints: checkHints(hookHints) };
  if (methods) checkMethods(identity.hookHints, methods);
  return { ...identity, warnings: oddities(identity.hookHints, written) };
}

function checkName(name: unknown): string {
  if (typeof name === 'string' && namePattern.test(name)) return name;
  throw new Error(
    `its name is ${JSON.stringify(name)}; a name has 1 to 128 letters, digits, ".", "_" or "-" and begins with a letter or digit`,
  );
}

function checkHints(hints: unknown): number {
  if (Array.isArray(hints)) return parseHints(hints.map(nameIn));
  if (typeof hints !== 'number' || !Number.isInteger(hints) || hints < 0)
    throw new Error(
      `its hookHints are ${typeof hints === 'number' ? hints : JSON.stringify(hints)}; they must be a number made of HintFlags (or their names, for an executable)`,
    );
  if (unknownHints(hints) !== 0)
    throw new Error(`its hookHints have bits without a meaning: ${hintNames(hints).join(', ')}`);
  return hints;
}

/** What stands there instead of a name need be nothing that can be made a string. */
const nameIn = (hint: unknown): string => (typeof hint === 'string' ? hint : String(JSON.stringify(hint)));

/** Something would be called that is not there. */
function checkMethods(hints: number, methods: readonly HookPoint[]): void {
  const withoutMethod = hookPoints.filter((point) => hookMode(hints, point) !== 'none' && !methods.includes(point));
  if (withoutMethod.length > 0)
    throw new Error(`its hookHints name ${withoutMethod.join(', ')}, but it has no such method`);
}

/** The hints are the truth of what is called; a method that they leave out is most likely a hint forgotten. */
function oddities(hints: number, written: readonly HookPoint[]): string[] {
  return written
    .filter((point) => hookMode(hints, point) === 'none')
    .map((point) => `it has a method ${point} that its hookHints leave out, so nothing ever calls it`);
}
