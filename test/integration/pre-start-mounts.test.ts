/**
 * The use that the plugin interface is documented with: something that is mounted on the host in postConstruction is bound into the
 * container in preStart, while crun still waits, the mounts of the container are there, and so is the host's root.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isAlive, parentOf } from '../support/processes.ts';
import { makeRootfs, testHob, untilTrue } from '../support/hob.ts';
import {
  callOf,
  callsOf,
  hints,
  openGate,
  putTraced,
  putTracedScript,
  storyOf,
  untilHook,
} from '../support/traced-plugins.ts';

const hob = testHob();
const rootfs = join(hob.dir, 'rootfs-of-others');
const hostUID = 100_000;

beforeAll(async () => {
  makeRootfs(rootfs);
  mkdirSync(join(rootfs, 'mnt/x'));
  execFileSync('chown', ['-R', `${hostUID}:${hostUID}`, rootfs]);
  // The directories above have to be searchable for the ids of the container.
  chmodSync(hob.dir, 0o755);
  putModule();
  putScript();
  await hob.start();
});
afterAll(() => hob.dispose());

/** On a hybrid host this lies in hob's own mount namespace, as all that its plugins mount. */
const hostPath = (id: string): string => join(hob.dir, `host-${id}`);

/** Where `data.blocks`, the first preStart of an instance never ends. */
function putModule(): void {
  const host = `const host = ${JSON.stringify(hostPath(''))} + id; const { execFile } = await import('node:child_process');
    const run = (...argv) => new Promise((resolve, reject) => execFile(argv[0], argv.slice(1), (error) => error ? reject(error) : resolve()));`;
  putTraced(hob, 'module', hints.sync, {
    postConstruction: `${host} fs.mkdirSync(host, { recursive: true });
      await run('mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', host);
      fs.writeFileSync(host + '/file', 'from the host');`,
    preStart: `${host} if (data?.blocks && context.attempt === 1) await new Promise(() => {});
      await run('nsenter', '-t', String(pid), '-m', 'mount', '--bind', host, rootfsPath + 'mnt/x');`,
    preDestruction: `${host} await run('umount', host); fs.rmdirSync(host);`,
  });
}

function putScript(): void {
  const gate = join(hob.dir, 'open-');
  putTracedScript(
    hob,
    'script',
    hints.sync,
    `postConstruction)
  mkdir -p "${hostPath('')}$id" && mount -t tmpfs -o mode=755 tmpfs "${hostPath('')}$id" || exit 1
  printf 'from the host' >"${hostPath('')}$id/file" ;;
preStart)
  case $attempt-$call in 1-*blocks*) while [ ! -e ${gate}"$id" ]; do sleep 0.05; done; exit 1 ;; esac
  nsenter -t "$pid" -m mount --bind "${hostPath('')}$id" "$rootfs/mnt/x" || exit 1 ;;
preDestruction) umount "${hostPath('')}$id" && rmdir "${hostPath('')}$id" || exit 1 ;;`,
  );
}

/** The name stands in the command line, so that its processes can be counted. */
function drop(name: string, plugin: string, data: object = {}): void {
  const script = `cat /mnt/x/file; echo; cat /proc/self/uid_map; : ${name}; trap "exit 0" TERM; while true; do sleep 0.1; done`;
  hob.drop(name, {
    rootfs: { path: rootfs },
    userNamespace: { hostUID, hostGID: hostUID, size: 65_536 },
    command: ['/bin/sh', '-c', script],
    plugins: [{ name: plugin, data }],
  });
}

/** Processes of the host with this in their arguments, crun and its shell aside. */
const processesOf = (name: string): number[] =>
  readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`: ${name};`);
      } catch {
        return false;
      }
    })
    .map(Number);

async function expectRead(name: string): Promise<void> {
  await untilTrue(
    `${name} has read the file`,
    () => hob.tryCli('logs', name).stdout.includes(String(hostUID)),
    () => hob.output().slice(-3000),
  );
  const [text, map = ''] = hob.cli('logs', name).split('\n');
  expect(text).toBe('from the host');
  expect(map.trim().split(/\s+/)).toEqual(['0', String(hostUID), '65536']);
}

/** Tear it down; then nothing of what the plugin mounted is left. */
async function expectCleanEnd(name: string): Promise<void> {
  expect(readFileSync(`/proc/${hob.pid}/mountinfo`, 'utf8')).toContain(hostPath(name));
  hob.remove(name);
  await hob.until(name, 'is gone', (one) => one === undefined);
  for (const pid of [hob.pid, process.pid])
    expect(readFileSync(`/proc/${pid}/mountinfo`, 'utf8')).not.toContain(hostPath(name));
  expect(existsSync(hostPath(name))).toBe(false);
}

describe.each(['module', 'script'])('a host mount of a plugin (%s)', (plugin) => {
  it('is bound into a container with a user namespace of its own by preStart, and read there', async () => {
    const name = `reads-${plugin}`;
    drop(name, plugin);
    await expectRead(name);
    expect(storyOf(hob, name, plugin).slice(0, 2)).toEqual(['postConstruction', 'preStart']);
    await expectCleanEnd(name);
  });

  it('is bound and read when hob was killed in the middle of preStart; crun has waited all the time', async () => {
    const name = `cut-${plugin}`;
    drop(name, plugin, { blocks: true });
    await untilHook(hob, name, plugin, 'preStart', 'begun');
    const { pid = 0 } = callOf(hob, name, plugin, 'preStart');
    const crun = parentOf(pid);
    await hob.kill();
    expect(isAlive(pid)).toBe(true);
    await hob.start();
    await expectRead(name);
    openGate(hob, name);
    const { status } = await hob.untilPhase(name, 'Running');
    expect(status).toMatchObject({ pid, restartCount: 0, instanceID: expect.stringMatching(/-1$/) });
    expect(parentOf(pid)).toBe(crun);
    await expect.poll(() => processesOf(name)).toEqual([pid]);
    const calls = callsOf(hob, name).filter(({ point }) => point === 'preStart');
    expect(calls.map((call) => [call.attempt, call.pid])).toEqual([
      [1, pid],
      [2, pid],
    ]);
    await untilHook(hob, name, plugin, 'postStart');
    await expectCleanEnd(name);
  });
});
