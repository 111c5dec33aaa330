import { accessSync, constants, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { wordsOf } from '../../host/errors.ts';
import { fine, problem, warning, type Finding } from './finding.ts';
import { isAtLeast, versionIn } from './versions.ts';

const leastNode = [26, 10];

/** hob calls what is experimental in Node yet, so the next major may differ. */
export function node(version: string, path: string): Finding {
  const found = `${version} at ${path}`;
  const numbers = versionIn(version) ?? [0];
  if (isAtLeast(numbers, leastNode) && numbers[0] === leastNode[0]) return fine('node', found);
  return problem(
    'node',
    found,
    'start hob by src/cli/hob, or run `npm ci`: a fitting Node (26.10 or later) comes along',
  );
}

/** Programs of util-linux with which plugins reach into a container; hob itself calls none of them. */
export function namespaceTools(path = process.env['PATH'] ?? ''): Finding {
  const missing = ['nsenter', 'unshare'].filter((name) => !isInPath(name, path));
  if (missing.length === 0) return fine('util-linux', 'nsenter and unshare are there');
  return warning(
    'util-linux',
    `no ${missing.join(' and no ')} in PATH (${path}): plugins that mount into containers do not work`,
    'install the package util-linux',
  );
}

function isInPath(name: string, path: string): boolean {
  return path.split(':').some((directory) => {
    try {
      accessSync(join(directory, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** The distribution's list of system calls for containers. */
export function seccompProfile(path: string): Finding {
  try {
    JSON.parse(readFileSync(path, 'utf8'));
    return fine('seccomp', path);
  } catch (error) {
    return warning(
      'seccomp',
      `${wordsOf(error)}: containers may make every system call`,
      'install the package that has it: golang-github-containers-common (Debian, Ubuntu), libcontainers-common (openSUSE), containers-common (others)',
    );
  }
}
