import { release } from 'node:os';
import { asList, asRecord } from '../json.ts';
import type { OciSeccomp, OciSyscall, OciSyscallArgument } from './types.ts';

/** What a profile is translated for. Default: this machine. */
export interface Machine {
  /** As Node calls it: x64, arm64, ... */
  readonly architecture: string;
  /** Of the kernel: 6.1.0-18-amd64 */
  readonly release: string;
}

/** How Go, whose names profiles use, and libseccomp call the architectures that Node knows. */
const machines: Readonly<Record<string, { readonly go: string; readonly seccomp: string }>> = {
  arm: { go: 'arm', seccomp: 'SCMP_ARCH_ARM' },
  arm64: { go: 'arm64', seccomp: 'SCMP_ARCH_AARCH64' },
  ia32: { go: '386', seccomp: 'SCMP_ARCH_X86' },
  loong64: { go: 'loong64', seccomp: 'SCMP_ARCH_LOONGARCH64' },
  ppc64: { go: 'ppc64le', seccomp: 'SCMP_ARCH_PPC64LE' },
  riscv64: { go: 'riscv64', seccomp: 'SCMP_ARCH_RISCV64' },
  s390x: { go: 's390x', seccomp: 'SCMP_ARCH_S390X' },
  x64: { go: 'amd64', seccomp: 'SCMP_ARCH_X86_64' },
};

type Fields = Record<string, unknown>;

const thisMachine: Machine = { architecture: process.arch, release: release() };

/**
 * The `linux.seccomp` of an OCI configuration from a profile as distributions ship it (containers/common's seccomp.json, Docker's
 * default.json), where rules are for some capabilities, architectures and kernels only. A profile that is a `linux.seccomp` already
 * comes out as it is.
 * @param profile parsed JSON
 * @param capabilities what the container is bounded to: CAP_SYS_ADMIN, ...
 * @throws Error when it is no profile
 */
export function ociSeccomp(profile: unknown, capabilities: readonly string[], machine = thisMachine): OciSeccomp {
  const { defaultAction, defaultErrnoRet, archMap, architectures, flags, syscalls } = asRecord(profile);
  if (typeof defaultAction !== 'string') throw new Error('the seccomp profile is none: it has no defaultAction');
  const applies = ({ includes, excludes }: Fields): boolean =>
    isIncluded(asRecord(includes), capabilities, machine) && !isExcluded(asRecord(excludes), capabilities, machine);
  return {
    defaultAction,
    ...(typeof defaultErrnoRet === 'number' && { defaultErrnoRet }),
    architectures: archMap === undefined ? strings(architectures) : ownArchitectures(asList(archMap), machine),
    ...(flags !== undefined && { flags: strings(flags) }),
    syscalls: asList(syscalls).map(asRecord).filter(applies).map(ociRule),
  };
}

/** A rule may be for containers that have all of some capabilities, for some architectures, and from some kernel on. */
function isIncluded({ caps, arches, minKernel }: Fields, capabilities: readonly string[], machine: Machine): boolean {
  const architectureFits = asList(arches).length === 0 || strings(arches).includes(goName(machine));
  return (
    strings(caps).every((name) => capabilities.includes(name)) && architectureFits && isKernel(minKernel, machine, true)
  );
}

/** Or for all but those that have one of some capabilities, are of some architectures, or have some kernel. */
function isExcluded({ caps, arches, minKernel }: Fields, capabilities: readonly string[], machine: Machine): boolean {
  const hasCapability = strings(caps).some((name) => capabilities.includes(name));
  return hasCapability || strings(arches).includes(goName(machine)) || isKernel(minKernel, machine, false);
}

/** Whether the kernel is at least the one a condition names, as in "4.8"; `otherwise` when it names none. */
function isKernel(least: unknown, { release }: Machine, otherwise: boolean): boolean {
  if (typeof least !== 'string') return otherwise;
  const [major = 0, minor = 0] = release.split('.').map(parseFloat);
  const [leastMajor = 0, leastMinor = 0] = least.split('.').map(parseFloat);
  return major === leastMajor ? minor >= leastMinor : major > leastMajor;
}

const goName = ({ architecture }: Machine): string => machines[architecture]?.go ?? architecture;

/** The machine's own architecture, and those whose programs it runs as well. None is known: libseccomp takes the machine's own. */
function ownArchitectures(map: readonly unknown[], { architecture }: Machine): string[] {
  const own = machines[architecture]?.seccomp;
  if (own === undefined) return [];
  const entry = map.map(asRecord).find((one) => one['architecture'] === own);
  return [own, ...strings(entry?.['subArchitectures'])];
}

/** Only what OCI knows of a rule. */
function ociRule({ name, names, action, args, errnoRet }: Fields): OciSyscall {
  const conditions = asList(args).map(asRecord).map(ociArgument);
  return {
    names: typeof name === 'string' ? [name] : strings(names),
    action: String(action),
    ...(typeof errnoRet === 'number' && { errnoRet }),
    ...(conditions.length > 0 && { args: conditions }),
  };
}

function ociArgument({ index, value, valueTwo, op }: Fields): OciSyscallArgument {
  return {
    index: Number(index),
    value: Number(value),
    ...(Number(valueTwo) > 0 && { valueTwo: Number(valueTwo) }),
    op: String(op),
  };
}

const strings = (value: unknown): string[] => asList(value).filter((one) => typeof one === 'string');
