import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { OciConfig } from '../../src/runtime/runtime.ts';
import { makeRootfs } from './hob.ts';

/** crun as it is, without hob around it, on a root filesystem with busybox. */
export interface BareCrun {
  /** Removed by `dispose`. */
  readonly directory: string;
  readonly rootfs: string;
  readonly cgroupsPath: string;
  /** Run a configuration to its end. */
  run(config: OciConfig): { stdout: string; stderr: string; code: number | null };
  /** Start it and leave it running. Throws crun's words when it refuses. */
  start(config: OciConfig, id: string): void;
  /** Any other command of crun on its own state. Throws crun's words when it fails. */
  crun(...args: readonly string[]): string;
  /** crun's own files of a container. */
  stateOf(id: string): string;
  dispose(): void;
}

export function bareCrun(): BareCrun {
  const directory = mkdtempSync(join(tmpdir(), 'hob-bare-crun-'));
  const [root, rootfs] = [join(directory, 'state'), join(directory, 'rootfs')];
  makeRootfs(rootfs);
  mkdirSync(join(rootfs, 'data'));
  const started: string[] = [];
  let count = 0;

  function crun(...args: readonly string[]): string {
    const { stdout, stderr, status } = spawnSync('crun', ['--root', root, ...args], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`crun ${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  function bundleOf(config: OciConfig): string {
    const bundle = join(directory, `bundle-${++count}`);
    mkdirSync(bundle);
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
    return bundle;
  }

  return {
    directory,
    rootfs,
    cgroupsPath: `/${basename(directory)}/container`,
    run(config) {
      const bundle = bundleOf(config);
      const args = ['--root', root, 'run', '--bundle', bundle, basename(bundle)];
      const { stdout, stderr, status } = spawnSync('crun', args, { encoding: 'utf8' });
      return { stdout, stderr, code: status };
    },
    start(config, id) {
      started.push(id);
      const args = ['--root', root, 'run', '--detach', '--bundle', bundleOf(config), id];
      const { status } = spawnSync('crun', args, { stdio: ['ignore', 'ignore', 'inherit'] });
      if (status !== 0) throw new Error(`crun did not start ${id}`);
    },
    crun,
    stateOf: (id) => join(root, id),
    dispose() {
      for (const id of started) crun('delete', '--force', id);
      removeCgroups(basename(directory));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** crun leaves the cgroup above the container's; and where v2 was unmounted, plain directories and files in the place of cgroups. */
function removeCgroups(name: string): void {
  const isCgroup = (hierarchy: string): boolean => existsSync(join(hierarchy, 'cgroup.procs'));
  for (const hierarchy of ['/sys/fs/cgroup', ...globSync('/sys/fs/cgroup/*/')]) {
    const top = join(hierarchy, name);
    if (!existsSync(top)) continue;
    if (!isCgroup(hierarchy)) rmSync(top, { recursive: true });
    else for (const cgroup of [...globSync(`${top}/*/`), top]) rmdirSync(cgroup);
  }
}
