/**
 * Linux mount(2) flags, which Node has no constants for, and what they are called in an OCI configuration.
 * The numbers are those of <sys/mount.h>.
 */
export const MountFlags = {
  MS_RDONLY: 1,
  MS_NOSUID: 2,
  MS_NODEV: 4,
  MS_NOEXEC: 8,
  MS_SYNCHRONOUS: 16,
  MS_DIRSYNC: 128,
  MS_NOATIME: 1024,
  MS_NODIRATIME: 2048,
  MS_BIND: 4096,
  MS_REC: 16384,
  MS_SILENT: 32768,
  MS_RELATIME: 1 << 21,
  MS_STRICTATIME: 1 << 24,
} as const;

const MS = MountFlags;

/** Dobby's order, which its plugins' authors know: the options given, then those of the flags from top to bottom. */
const optionsInOrder: readonly (readonly [bits: number, option: string])[] = [
  [MS.MS_BIND | MS.MS_REC, 'rbind'],
  [MS.MS_BIND, 'bind'],
  [MS.MS_RDONLY, 'ro'],
  [MS.MS_SYNCHRONOUS, 'sync'],
  [MS.MS_NOSUID, 'nosuid'],
  [MS.MS_DIRSYNC, 'dirsync'],
  [MS.MS_NODIRATIME, 'nodiratime'],
  [MS.MS_RELATIME, 'relatime'],
  [MS.MS_NOEXEC, 'noexec'],
  [MS.MS_NODEV, 'nodev'],
  [MS.MS_NOATIME, 'noatime'],
  [MS.MS_STRICTATIME, 'strictatime'],
];

/** The OCI mount options for some options and `MS_*` bits. `leftOver` holds the bits that no option stands for. */
export function mountOptions(options: readonly string[], flags: number): { options: string[]; leftOver: number } {
  const result = [...options];
  // No option: it only keeps the kernel from logging, and crun takes the word "silent" for an option of the filesystem, which refuses it.
  let left = flags & ~MS.MS_SILENT;
  for (const [bits, option] of optionsInOrder) {
    if ((left & bits) !== bits) continue;
    result.push(option);
    left &= ~bits;
  }
  return { options: result, leftOver: left >>> 0 };
}
