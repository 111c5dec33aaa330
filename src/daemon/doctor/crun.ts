import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { wordsOf } from '../../host/errors.ts';
import { findCrun } from '../../runtime/find-crun.ts';
import { fine, problem, warning, type Finding } from './finding.ts';
import { isAtLeast, versionIn, type Version } from './versions.ts';

/** Holes in crun that matter to hob: from the first version that has it to the first that has not. */
const holes: readonly { name: string; since: Version; fixed: Version; what: string }[] = [
  {
    name: 'CVE-2026-30892',
    since: [1, 19],
    fixed: [1, 27],
    what: '`crun exec --user 1` runs as root',
  },
  {
    name: 'CVE-2026-47766',
    since: [0],
    fixed: [1, 28],
    what: 'symbolic links in the /dev of a hostile rootfs lead crun astray',
  },
];

const install = 'install it: apt-get install crun (dnf, apk, zypper, pacman: the package has the same name)';
const timeLimitMs = 5000;

/** Asks crun for its version: one short process. */
export async function crun(name: string): Promise<Finding> {
  try {
    const path = findCrun(name);
    const { stdout } = await promisify(execFile)(path, ['--version'], { timeout: timeLimitMs });
    return judgeCrun(path, stdout);
  } catch (error) {
    return problem('crun', wordsOf(error), install);
  }
}

/** @param words what `crun --version` prints */
export function judgeCrun(path: string, words: string): Finding {
  const version = versionIn(words);
  const line = words.split('\n')[0] ?? '';
  if (!version || !line.startsWith('crun ')) return problem('crun', `${path} is no crun: it says "${line}"`, install);
  const found = `${version.join('.')} at ${path}`;
  const open = holes.filter(({ since, fixed }) => isAtLeast(version, since) && !isAtLeast(version, fixed));
  if (open.length === 0) return fine('crun', found);
  const described = open.map(({ name: hole, what, fixed }) => `${hole} (${what}; fixed in ${fixed.join('.')})`);
  return warning(
    'crun',
    `${found}, whose version has ${described.join(' and ')}`,
    'install a newer crun, or make sure that your distribution has patched this one; until then take no rootfs from strangers',
  );
}
