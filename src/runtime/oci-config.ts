import { asRecord } from './json.ts';
import { mergePatch } from './oci/merge-patch.ts';
import { bundleBase, tightDefaults } from './oci/base.ts';
import { withDevices } from './oci/devices.ts';
import type { OciInput } from './oci/input.ts';
import { withIsolation } from './oci/isolation.ts';
import { withMounts } from './oci/mounts.ts';
import { withProcess } from './oci/process.ts';
import { withResources } from './oci/resources.ts';
import type { OciDocument } from './oci/types.ts';
import type { OciConfig } from './runtime.ts';

export type { OciInput } from './oci/input.ts';
export { ociResources, resourcesUpdate } from './oci/resources.ts';

/** What is put over the base, in this order: seccomp depends on capabilities, devices on resources. */
const layers: readonly ((document: OciDocument, input: OciInput) => OciDocument)[] = [
  withRoot,
  withProcess,
  withMounts,
  withResources,
  withDevices,
  withIsolation,
];

/**
 * The OCI configuration of an instance: hob's tight defaults or the user's bundle, then what the spec gives, then what
 * plugins added, then `ociPatch`.
 * @throws Error in words when the spec names a device that is not on this host, or the bundle or the seccomp profile is not valid
 */
export function ociConfig(input: OciInput): OciConfig {
  const { spec, id, bundleConfig } = input;
  const base = bundleConfig === undefined ? tightDefaults(spec, id) : bundleBase(bundleConfig);
  const config = layers.reduce((document, layer) => layer(document, input), base);
  return asRecord(mergePatch(config, spec.ociPatch ?? {}));
}

function withRoot(document: OciDocument, { rootfsPath, readOnlyRoot }: OciInput): OciDocument {
  return { ...document, root: { path: rootfsPath, readonly: readOnlyRoot } };
}
