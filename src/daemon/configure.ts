import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ContainerSpec } from '../api/container.ts';
import { wordsOf } from '../host/errors.ts';
import { assertTrustedPath } from '../host/trust.ts';
import { readBundle, rootfsOf } from '../runtime/oci/bundle.ts';
import { ociConfig } from '../runtime/oci-config.ts';
import { noAdditions } from '../lifecycle/parts.ts';
import type { LifecycleParts } from '../lifecycle/parts.ts';

/** The distribution's seccomp profile; the package containers-common has it. */
const seccompProfilePath = '/usr/share/containers/seccomp.json';

/** Two hobs on one host keep their containers' cgroups apart by their run directories. */
export function cgroupParentOf(runDir: string): string {
  return `/hob-${createHash('sha256').update(runDir).digest('hex').slice(0, 8)}`;
}

/** How an instance becomes an OCI configuration on this host. */
export function configurer(cgroupParent: string, warn: (message: string) => void): LifecycleParts['configure'] {
  const seccompProfile = readSeccompProfile(warn);
  return (id, instance, rootfsPath) => {
    const { spec, additions = noAdditions } = instance;
    return ociConfig({
      spec,
      id,
      rootfsPath,
      readOnlyRoot: rootfsOf(spec).readOnly,
      additions,
      cgroupsPath: `${cgroupParent}/${id}`,
      ...profileFor(spec, seccompProfile),
      ...(spec.bundle && { bundleConfig: readBundle(spec.bundle.path).config }),
    });
  };
}

/** What the spec names, or the distribution's. @throws Error when the one that the spec names can't be used */
function profileFor({ seccomp }: ContainerSpec, common: unknown): { seccompProfile?: unknown } {
  if (seccomp?.type !== 'Localhost') return common === undefined ? {} : { seccompProfile: common };
  const path = seccomp.localhostProfile ?? '';
  const fault = assertTrustedPath(path);
  if (fault) throw new Error(`the seccomp profile is not used: ${fault}`);
  return { seccompProfile: JSON.parse(readFileSync(path, 'utf8')) };
}

function readSeccompProfile(warn: (message: string) => void): unknown {
  try {
    return JSON.parse(readFileSync(seccompProfilePath, 'utf8'));
  } catch (error) {
    warn(
      `containers run without a seccomp profile (${wordsOf(error)}): install golang-github-containers-common or containers-common`,
    );
    return undefined;
  }
}
