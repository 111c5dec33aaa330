import { fine, problem, type Finding } from './finding.ts';

/** What crun and hob's own mounts take, by the kernel's numbers. */
const needed = new Map([
  ['CAP_CHOWN', 0],
  ['CAP_DAC_OVERRIDE', 1],
  ['CAP_KILL', 5],
  ['CAP_SETGID', 6],
  ['CAP_SETUID', 7],
  ['CAP_SETPCAP', 8],
  ['CAP_NET_ADMIN', 12],
  ['CAP_SYS_CHROOT', 18],
  ['CAP_SYS_ADMIN', 21],
  ['CAP_MKNOD', 27],
]);

/** @param status text of /proc/self/status */
export function privileges(uid: number | undefined, status: string): Finding {
  if (uid !== 0) {
    return problem('privileges', `this is user ${uid}`, 'run hob as root: it makes mounts, namespaces and cgroups');
  }
  const lacking = lackingCapabilities(status);
  if (lacking.length === 0) return fine('privileges', 'root, with all capabilities that hob needs');
  return problem(
    'privileges',
    `root without ${lacking.join(', ')}`,
    'hob seems to run in a container or a confined unit: give it these capabilities, or start it on the host itself',
  );
}

function lackingCapabilities(status: string): string[] {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return [...needed].filter(([, bit]) => (effective & (1n << BigInt(bit))) === 0n).map(([name]) => name);
}
