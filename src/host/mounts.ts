/** The kernel's table of mounts, as text of /proc/PID/mountinfo. */

export interface Mount {
  readonly mountPoint: string;
  /** The filesystem's type: ext4, overlay, cgroup2, ... */
  readonly type: string;
  readonly superOptions: readonly string[];
}

/** All mounts in the kernel's order. */
export function mountsOf(mountinfo: string): readonly Mount[] {
  return mountinfo.split('\n').flatMap((line) => mountOf(line) ?? []);
}

/** One line: `ID PARENT DEVICE ROOT MOUNTPOINT OPTIONS [TAG...] - TYPE SOURCE SUPEROPTIONS`. */
function mountOf(line: string): Mount | undefined {
  const [before = '', after = ''] = line.split(' - ', 2);
  const mountPoint = before.split(' ')[4];
  const [type, , superOptions] = after.split(' ');
  if (mountPoint === undefined || type === undefined || superOptions === undefined) return undefined;
  return { mountPoint: unescape(mountPoint), type, superOptions: superOptions.split(',') };
}

/** The kernel writes space, tab, newline and backslash in octal, byte by byte. */
function unescape(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
