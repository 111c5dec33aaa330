import type { ContainerSpec } from '../../api/container.ts';
import { ociSeccomp } from './seccomp.ts';
import type { OciInput } from './input.ts';
import type { OciDocument, OciIdMapping, OciLinux, OciNamespace } from './types.ts';

/** Namespaces, kernel parameters and system calls, as far as the spec speaks of them. */
export function withIsolation(document: OciDocument, input: OciInput): OciDocument {
  const { network, userNamespace, sysctls } = input.spec;
  const { seccomp, ...linux } = document.linux;
  const sections: OciLinux = {
    ...linux,
    cgroupsPath: input.cgroupsPath,
    namespaces: namespaces(linux.namespaces ?? [], network, userNamespace),
    ...(userNamespace !== undefined && idMappings(userNamespace)),
    ...(sysctls !== undefined && { sysctl: { ...linux.sysctl, ...sysctls } }),
  };
  const filter = seccompOf(input, document) ?? (keepsSeccomp(input) ? seccomp : undefined);
  return { ...document, linux: { ...sections, ...(filter !== undefined && { seccomp: filter }) } };
}

function namespaces(
  base: readonly OciNamespace[],
  network: ContainerSpec['network'],
  userNamespace: ContainerSpec['userNamespace'],
): readonly OciNamespace[] {
  // An entry with a path joins a namespace that is there already, which is not what the spec asks for.
  const replaced = [...(network === undefined ? [] : ['network']), ...(userNamespace === undefined ? [] : ['user'])];
  const added = replaced.filter((type) => type === 'user' || network === 'none');
  return [...base.filter(({ type }) => !replaced.includes(type)), ...added.map((type) => ({ type }))];
}

type IdMappings = Required<Pick<OciLinux, 'uidMappings' | 'gidMappings'>>;

function idMappings({ hostUID, hostGID, size }: NonNullable<ContainerSpec['userNamespace']>): IdMappings {
  const from = (hostID: number): OciIdMapping[] => [{ containerID: 0, hostID, size }];
  return { uidMappings: from(hostUID), gidMappings: from(hostGID) };
}

/** A bundle's own filter stays unless the spec speaks of it. */
const keepsSeccomp = ({ spec, bundleConfig }: OciInput): boolean =>
  bundleConfig !== undefined && spec.seccomp === undefined;

function seccompOf(input: OciInput, { process }: OciDocument): OciLinux['seccomp'] {
  const { spec, seccompProfile } = input;
  if (keepsSeccomp(input) || spec.seccomp?.type === 'Unconfined' || seccompProfile === undefined) return undefined;
  return ociSeccomp(seccompProfile, process.capabilities?.bounding ?? []);
}
