import type { ContainerSpec } from '../../api/container.ts';
import { readBundle } from './bundle.ts';
import { asList, asRecord } from '../json.ts';
import { mountOf } from './mounts.ts';
import type { OciMount } from './types.ts';

/** As plugins would add it. */
interface GivenParts {
  /** As words for people. */
  readonly by: 'the bundle' | 'the spec';
  /** `NAME=value` */
  readonly env: readonly string[];
  readonly mounts: readonly Required<OciMount>[];
}

/**
 * The environment and the mounts that a spec gives its container, and before them those of its bundle. hob's own defaults are not among them.
 * @throws Error when the bundle cannot be read
 */
export function givenParts({ env = [], mounts = [], bundle }: ContainerSpec): GivenParts[] {
  const assignments = env.map(({ name, value }) => `${name}=${value}`);
  const bySpec = { by: 'the spec', env: assignments, mounts: mounts.map(mountOf) } as const;
  return bundle ? [givenByBundle(bundle.path), bySpec] : [bySpec];
}

/** What is of the wrong shape is nothing here: the start of the container tells of it. */
function givenByBundle(path: string): GivenParts {
  const { config } = readBundle(path);
  return {
    by: 'the bundle',
    env: texts(asRecord(config['process'])['env']),
    mounts: asList(config['mounts']).map(asRecord).map(readMount),
  };
}

const readMount = ({ destination, type, source, options }: Record<string, unknown>): Required<OciMount> => ({
  destination: text(destination),
  type: text(type),
  source: text(source),
  options: texts(options),
});

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const texts = (value: unknown): string[] => asList(value).filter((each) => typeof each === 'string');
