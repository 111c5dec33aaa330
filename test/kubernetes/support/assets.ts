import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Where the programs of Kubernetes are that the tests use. */
export interface Assets {
  readonly 'kube-apiserver': string;
  readonly etcd: string;
  readonly kubectl: string;
}

const script = join(import.meta.dirname, '../assets.sh');
let found: Assets | undefined;

/** Throws when one of them is missing: `npm test` has got them before, and building one takes longer than any test may. */
export const assets = (): Assets => (found ??= lookForThem());

function lookForThem(): Assets {
  const lines = execFileSync(script, ['--look'], { encoding: 'utf8' }).trim().split('\n');
  const places = Object.fromEntries<string>(lines.map((line) => line.split('=') as [string, string]));
  return places as unknown as Assets;
}
