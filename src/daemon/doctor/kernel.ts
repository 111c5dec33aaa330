import { closeSync, constants, existsSync, openSync, readFileSync } from 'node:fs';
import { wordsOf } from '../../host/errors.ts';
import { fine, problem, warning, type Finding } from './finding.ts';
import { isAtLeast, versionIn } from './versions.ts';

/** The first with pidfd_open(2). */
const leastKernel = [5, 3];
/** The first to tell how any process ended, by its pidfd. */
const kernelThatTellsSignals = [6, 15];

/** @param release as uname -r says it */
export function kernel(release: string): Finding {
  const version = versionIn(release) ?? [0];
  if (!isAtLeast(version, leastKernel))
    return problem('kernel', release, `use Linux ${leastKernel.join('.')} or later`);
  if (isAtLeast(version, kernelThatTellsSignals)) return fine('kernel', release);
  return fine('kernel', `${release}: below 6.15 an exit code of 137 and an end by SIGKILL look alike`);
}

/**
 * Whether a rootfs can get a layer to write to.
 * @param filesystems text of /proc/filesystems
 * @param modules the directory with this kernel's modules; one that is there is loaded at the first mount
 * @param unfit the filesystem of the state directory, if that cannot carry an overlay
 */
export function overlay(filesystems: string, modules: string, unfit: string | undefined): Finding {
  const isLoaded = /^nodev\toverlay$/m.test(filesystems);
  const module = ['', '.xz', '.zst', '.gz']
    .map((packed) => `${modules}/kernel/fs/overlayfs/overlay.ko${packed}`)
    .find((file) => existsSync(file));
  if (!isLoaded && module === undefined) {
    return warning(
      'overlay',
      `this kernel has none: ${onlyReadOnly}`,
      'modprobe overlay, or a kernel with CONFIG_OVERLAY_FS',
    );
  }
  if (unfit !== undefined) {
    const cure = 'put the state directory on ext4, xfs, btrfs or tmpfs (--state-dir; in a container, a volume)';
    return warning('overlay', `the state directory is on ${unfit}, which cannot carry one: ${onlyReadOnly}`, cure);
  }
  return fine('overlay', isLoaded ? 'the kernel has it' : `the kernel loads it when needed, from ${module}`);
}

const onlyReadOnly = 'only containers with readOnlyRootfs: true start';

/** Where the kernel says whom it killed for lack of memory. */
export function kernelLog(path = '/dev/kmsg'): Finding {
  try {
    closeSync(openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
    return fine('kernel log', `${path} can be read: kills for lack of memory are told from others`);
  } catch (error) {
    return warning(
      'kernel log',
      `${wordsOf(error)}: a container killed for lack of memory looks like any other that was killed`,
      `let hob read ${path}: CAP_SYSLOG where kernel.dmesg_restrict is set, and in a container the device itself`,
    );
  }
}

const fewestInstances = 128;
const fewestWatches = 8192;

/** How many watches of files the kernel allows. hob needs one instance and one watch a folder; others on the host take theirs first. */
export function inotify(directory = '/proc/sys/fs/inotify'): Finding {
  const instances = Number(readFileSync(`${directory}/max_user_instances`, 'latin1'));
  const watches = Number(readFileSync(`${directory}/max_user_watches`, 'latin1'));
  const found = `${instances} instances and ${watches} watches for each user`;
  if (instances >= fewestInstances && watches >= fewestWatches) return fine('inotify', found);
  return warning(
    'inotify',
    `${found}: once they are used up, hob sees changes of files only at its next rescan`,
    `sysctl fs.inotify.max_user_instances=${fewestInstances * 4} fs.inotify.max_user_watches=${fewestWatches * 16}`,
  );
}
