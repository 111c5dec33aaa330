import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { contentHash } from '../../api/hash.ts';
import { asRecord } from '../json.ts';
import type { OciConfig } from '../runtime.ts';

/**
 * Filters that crun compiled before. To make a filter out of the distribution's profile takes crun as long as all the
 * rest of a start (20 ms, at each start where crun was built without its own cache, as Debian's is); to load one that is
 * compiled takes nothing to speak of.
 */
export interface SeccompCache {
  /** The configuration with the compiled filter in the place of the rules; as it is, when there is none yet. */
  use(config: OciConfig): OciConfig;
  /** Keep the filter that crun compiled for a configuration. Never throws: without, the next start takes longer. */
  learn(config: OciConfig, stateDirectory: string): void;
}

/** crun takes a compiled filter, in base64, from this annotation. */
const annotation = 'run.oci.seccomp_bpf_data';
/** What becomes part of a filter. With more than that (flags, a listener) the rules are left to crun. */
const compiled = ['architectures', 'defaultAction', 'defaultErrnoRet', 'syscalls'];

/**
 * @param directory where filters are kept, for root alone to write to. It should not outlive the boot: a filter is for the kernel and
 * the libraries it was made with
 */
export function createSeccompCache(directory: string): SeccompCache {
  removeDrafts(directory);
  const known = new Map<string, string>();
  return {
    use(config) {
      const key = keyOf(config);
      const filter = key === undefined ? undefined : (known.get(key) ?? read(join(directory, key)));
      if (key === undefined || filter === undefined) return config;
      known.set(key, filter);
      const { seccomp: _, ...linux } = asRecord(config['linux']);
      return { ...config, linux, annotations: { ...asRecord(config['annotations']), [annotation]: filter } };
    },
    learn(config, stateDirectory) {
      const key = keyOf(config);
      if (key === undefined || known.has(key)) return;
      const filter = read(join(stateDirectory, 'seccomp.bpf'));
      if (filter === undefined) return;
      known.set(key, filter);
      keep(directory, key, Buffer.from(filter, 'base64'));
    },
  };
}

function keyOf(config: OciConfig): string | undefined {
  const { seccomp } = asRecord(config['linux']);
  const parts = Object.keys(asRecord(seccomp));
  return parts.length > 0 && parts.every((part) => compiled.includes(part)) ? contentHash(seccomp) : undefined;
}

/** A filter in base64; undefined for what is none: instructions have 8 bytes. */
function read(file: string): string | undefined {
  try {
    const bytes = readFileSync(file);
    return bytes.length > 0 && bytes.length % 8 === 0 ? bytes.toString('base64') : undefined;
  } catch {
    return undefined;
  }
}

const draftSuffix = '.new';

function tryToRemove(draft: string): void {
  try {
    rmSync(draft, { force: true });
  } catch {
    // The next hob does it.
  }
}

/** What a death left of one that was being kept. */
function removeDrafts(directory: string): void {
  if (!existsSync(directory)) return;
  for (const name of readdirSync(directory))
    if (name.endsWith(draftSuffix)) rmSync(join(directory, name), { force: true });
}

function keep(directory: string, key: string, filter: Buffer): void {
  const draft = join(directory, `${key}${draftSuffix}`);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(draft, filter, { mode: 0o600 });
    renameSync(draft, join(directory, key));
  } catch {
    // It is still known to this process.
    tryToRemove(draft);
  }
}
