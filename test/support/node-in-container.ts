import { existsSync } from 'node:fs';

/** The parts of a spec that run a program on this test's own Node, in a rootfs that has none. */
export function nodeProgram(program: string): { command: string[]; mounts: object[] } {
  const libraries = ['/lib', '/lib64', '/usr/lib', '/usr/lib64'].filter((path) => existsSync(path));
  const mounts = libraries.map((path) => ({ source: path, destination: path, options: ['rbind', 'ro'] }));
  return {
    command: ['/mnt/node', '--disable-warning=ExperimentalWarning', '--eval', program],
    mounts: [...mounts, { source: process.execPath, destination: '/mnt/node', options: ['rbind', 'ro'] }],
  };
}
