import { readFileSync } from 'node:fs';
import { capabilityNames } from '../../api/capabilities.ts';
import type { ContainerSpec } from '../../api/container.ts';
import type { CapabilitySet, OciProcess } from './types.ts';

/** What a process that is root in its container can do without danger to others. */
const ordinary = [
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'NET_BIND_SERVICE',
  'SETGID',
  'SETUID',
  'SYS_CHROOT',
];

/**
 * The capability sets of a process. A user other than root holds, once it executes its program, only what is ambient:
 * for it that is what the spec adds.
 * @param base the sets of a bundle: undefined is returned, and they stay, unless the spec changes them
 * @param all what ALL means when it is added: what hob itself has and can pass on
 */
export function capabilitiesOf(
  { capabilities }: ContainerSpec,
  base: NonNullable<OciProcess['capabilities']> | undefined,
  isRoot: boolean,
  all: () => readonly string[] = ownCapabilities,
): Record<CapabilitySet, string[]> | undefined {
  if (base !== undefined && capabilities === undefined) return undefined;
  const { add = [], drop = [] } = capabilities ?? {};
  const before = base === undefined ? ordinary : (base.bounding ?? []).map(bareName);
  const added = add.map(bareName).flatMap((name) => (name === 'ALL' ? all() : name));
  // Drops come first, so that dropping ALL and adding one leaves that one.
  const bounding = fullNames([...without(before, drop.map(bareName)), ...added]);
  const held = isRoot ? bounding : fullNames(added);
  const kept = isRoot ? [] : held;
  return { bounding, effective: held, permitted: held, inheritable: kept, ambient: kept };
}

const bareName = (name: string): string => name.replace(/^CAP_/, '');
const fullNames = (names: readonly string[]): string[] => [...new Set(names)].map((name) => `CAP_${name}`);
const without = (names: readonly string[], dropped: readonly string[]): readonly string[] =>
  dropped.includes('ALL') ? [] : names.filter((name) => !dropped.includes(name));

/** The capabilities that this process may use, from the bit mask in /proc/self/status. */
function ownCapabilities(): string[] {
  const [, mask = '0'] = /^CapPrm:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  const bits = BigInt(`0x${mask}`);
  return capabilityNames.filter((_, number) => ((bits >> BigInt(number)) & 1n) === 1n);
}
