import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ContainerSpec } from '../../api/container.ts';
import { wordsOf } from '../../host/errors.ts';
import { assertTrustedPath } from '../../host/trust.ts';
import { isRecord } from '../json.ts';
import type { OciConfig } from '../runtime.ts';

/** An OCI bundle that somebody else made. hob reads it and never writes to it. */
export interface Bundle {
  readonly config: OciConfig;
  /** Absolute. */
  readonly rootfsPath: string;
  readonly readOnly: boolean;
}

/** @throws Error that says what is wrong with the bundle */
export function readBundle(path: string): Bundle {
  const file = join(path, 'config.json');
  const untrusted = assertTrustedPath(file);
  if (untrusted) throw new Error(`the bundle is not used: ${untrusted}`);
  const config = parse(readFileSync(file, 'utf8'), file);
  const { root } = config;
  const rootPath = isRecord(root) && typeof root.path === 'string' ? root.path : 'rootfs';
  return { config, rootfsPath: resolve(path, rootPath), readOnly: isRecord(root) && root.readonly === true };
}

function parse(text: string, file: string): Record<string, unknown> {
  try {
    const config: unknown = JSON.parse(text);
    if (isRecord(config)) return config;
  } catch (cause) {
    throw new Error(`${file} is not JSON: ${wordsOf(cause)}`, { cause });
  }
  throw new Error(`${file} is not a JSON object`);
}

/** Which directory a container's root is made from, and whether it may be written to. */
export function rootfsOf(spec: ContainerSpec): { path: string; readOnly: boolean } {
  if (spec.rootfs) return { path: spec.rootfs.path, readOnly: spec.readOnlyRootfs ?? false };
  const { rootfsPath, readOnly } = readBundle(spec.bundle?.path ?? '');
  return { path: rootfsPath, readOnly: spec.readOnlyRootfs ?? readOnly };
}
