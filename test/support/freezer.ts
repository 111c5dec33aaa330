import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupPaths, detectCgroups } from '../../src/host/cgroups.ts';

/** The cgroup directory in which a process is frozen. */
export function freezerOf(pid: number): string {
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
  const path = /^(?:\d+:freezer|0:):(.*)$/m.exec(lines)?.[1] ?? '';
  const directory = cgroupPaths(path, detectCgroups()).get('freezer');
  if (directory === undefined) throw new Error(`process ${pid} is in no cgroup that can freeze it:\n${lines}`);
  return directory;
}

/** Behind everybody's back. On cgroup v1 a frozen process does not even die of SIGKILL before that. */
export function thaw(directory: string): void {
  const state = join(directory, 'freezer.state');
  if (existsSync(state)) writeFileSync(state, 'THAWED');
}
