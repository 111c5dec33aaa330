import { hintNames, hookMode, parseHints, unknownHints } from './hint-flags.ts';
import { type HookPoint, hookPoints } from './plugin.ts';
import type { PluginIdentity } from './registered-plugin.ts';

/** Names become folder names and parts of messages. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/**
 * Check what a plugin says of itself.
 * @param methods the hook points it has a method for, where that can be known
 * Throws an Error that says what is wrong and what is right.
 */
export function checkIdentity(
  claimed: { name?: unknown; hookHints?: unknown },
  methods?: readonly HookPoint[],
): PluginIdentity {
  const name = checkName(claimed.name);
  const hookHints = checkHints(claimed.hookHints);
  if (methods) checkMethods(hookHints, methods);
  return { name, hookHints };
}

function checkName(name: unknown): string {
  if (typeof name === 'string' && namePattern.test(name)) return name;
  throw new Error(
    `its name is ${JSON.stringify(name)}; a name has 1 to 128 letters, digits, ".", "_" or "-" and begins with a letter or digit`,
  );
}

function checkHints(hints: unknown): number {
  if (Array.isArray(hints)) return parseHints(hints.map(String));
  if (typeof hints !== 'number' || !Number.isInteger(hints) || hints < 0)
    throw new Error(
      `its hookHints are ${JSON.stringify(hints)}; they must be a number made of HintFlags (or their names, for an executable)`,
    );
  if (unknownHints(hints) !== 0)
    throw new Error(`its hookHints have bits without a meaning: ${hintNames(hints).join(', ')}`);
  return hints;
}

/** The hints say what is called; a method that they leave out is most likely a hint forgotten. */
function checkMethods(hints: number, methods: readonly HookPoint[]): void {
  const withoutMethod = hookPoints.filter((point) => hookMode(hints, point) !== 'none' && !methods.includes(point));
  if (withoutMethod.length > 0)
    throw new Error(`its hookHints name ${withoutMethod.join(', ')}, but it has no such method`);
  const withoutHint = methods.filter((point) => hookMode(hints, point) === 'none');
  if (withoutHint.length > 0)
    throw new Error(
      `it has a method ${withoutHint.join(', ')} that its hookHints leave out, so nothing would ever call it`,
    );
}
