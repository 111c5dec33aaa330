import type { ContainerSpec } from '../../api/container.ts';
import { capabilitiesOf } from './capabilities.ts';
import type { OciInput } from './input.ts';
import type { OciDocument, OciProcess, OciRlimit } from './types.ts';

/** What the spec says of the process, over what the base says. */
export function withProcess(document: OciDocument, input: OciInput): OciDocument {
  const { spec } = input;
  const { user, workingDir, noNewPrivileges, terminal, hostname } = spec;
  const process: OciProcess = {
    ...document.process,
    args: commandLine(spec, document.process.args),
    env: environment(document.process, input),
    cwd: workingDir ?? document.process.cwd ?? '/',
    rlimits: rlimits(document.process.rlimits, spec.rlimits),
    ...(user !== undefined && { user }),
    ...(noNewPrivileges !== undefined && { noNewPrivileges }),
    ...(terminal !== undefined && { terminal }),
  };
  const base = input.bundleConfig === undefined ? undefined : (document.process.capabilities ?? {});
  const capabilities = capabilitiesOf(spec, base, (process.user?.uid ?? 0) === 0);
  return {
    ...document,
    process: { ...process, ...(capabilities !== undefined && { capabilities }) },
    ...(hostname !== undefined && { hostname }),
  };
}

/** Without a command, the arguments go to the program of the bundle; where there is none, they are the whole. */
function commandLine({ command = [], args = [] }: ContainerSpec, base: readonly string[] = []): readonly string[] {
  if (command.length > 0) return [...command, ...args];
  return args.length > 0 ? [...base.slice(0, 1), ...args] : base;
}

/** Of two assignments to one name the later counts, in the place of the first. */
function environment({ env = [] }: OciProcess, { spec, additions }: OciInput): string[] {
  const given = (spec.env ?? []).map(({ name, value }) => `${name}=${value}`);
  const term =
    spec.terminal === true && !env.some((assignment) => assignment.startsWith('TERM=')) ? ['TERM=xterm'] : [];
  const assignments = [...env, ...term, ...given, ...additions.env];
  return [...new Map(assignments.map((assignment) => [assignment.split('=', 1)[0], assignment])).values()];
}

/** -1 goes through as it is: crun reads it as the largest number there is, which is no limit. */
function rlimits(base: readonly OciRlimit[] = [], given: readonly OciRlimit[] = []): readonly OciRlimit[] {
  return [...new Map([...base, ...given].map((rlimit) => [rlimit.type, rlimit])).values()];
}
