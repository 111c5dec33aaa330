import type { ContainerSpec } from '../container.ts';
import type { Finding } from '../finding.ts';
import { missing, repeated, wrong, type Rule } from './rule.ts';

export const processRules: readonly Rule[] = [
  { reads: ['spec.rootfs', 'spec.bundle'], find: ({ spec }) => oneRoot(spec) },
  { reads: ['spec.command', 'spec.args', 'spec.bundle'], find: ({ spec }) => program(spec) },
  { reads: ['spec.resources'], find: ({ spec }) => swapNeedsMemory(spec) },
  { reads: ['spec.rlimits'], find: ({ spec }) => rlimits(spec) },
  {
    reads: ['spec.plugins'],
    find: ({ spec }) =>
      repeated(
        spec.plugins.map(({ name }) => name),
        ['spec', 'plugins'],
        'name',
      ),
  },
];

function oneRoot({ rootfs, bundle }: ContainerSpec): Finding[] {
  if (rootfs && bundle)
    return [{ path: ['spec', 'bundle'], at: 'key', message: 'rootfs is given as well; only one of the two can be' }];
  return rootfs || bundle
    ? []
    : [missing(['spec', 'rootfs'], 'one of rootfs and bundle is required, and both are missing')];
}

function program({ command = [], args = [], bundle }: ContainerSpec): Finding[] {
  const field = command.length > 0 ? 'command' : 'args';
  const [name] = [...command, ...args];
  if (name === '' && (field === 'command' || !bundle))
    return [wrong(['spec', field, 0], 'the name of the program is empty')];
  if (name !== undefined || bundle) return [];
  return [missing(['spec', 'command'], 'it is required, and missing: the program to run and its arguments')];
}

function swapNeedsMemory({ resources: { memory, swap } = {} }: ContainerSpec): Finding[] {
  if (swap === undefined || memory !== undefined) return [];
  return [
    {
      path: ['spec', 'resources', 'swap'],
      at: 'key',
      message: 'swap is a limit on top of memory, and memory is not given',
    },
  ];
}

function rlimits({ rlimits = [] }: ContainerSpec): Finding[] {
  const path = ['spec', 'rlimits'];
  const unlimited = (limit: number) => (limit === -1 ? Infinity : limit);
  const inverted = rlimits.flatMap(({ soft, hard }, index) =>
    unlimited(soft) <= unlimited(hard) ? [] : [wrong([...path, index, 'soft'], `it is above the hard limit (${hard})`)],
  );
  return [
    ...inverted,
    ...repeated(
      rlimits.map(({ type }) => type),
      path,
      'type',
    ),
  ];
}
