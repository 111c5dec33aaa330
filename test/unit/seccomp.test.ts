import { describe, expect, it } from 'vitest';
import { ociSeccomp } from '../../src/runtime/oci/seccomp.ts';

const here = { architecture: 'x64', release: '6.1.0-18-amd64' };
const rule = (change: object) => ({
  names: ['a'],
  action: 'SCMP_ACT_ALLOW',
  args: [],
  comment: '',
  includes: {},
  excludes: {},
  ...change,
});
const isKept = (change: object, capabilities: string[] = [], machine = here): boolean =>
  ociSeccomp({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: [rule(change)] }, capabilities, machine).syscalls.length ===
  1;

describe('a seccomp profile of a distribution', () => {
  it.each([
    ['without conditions', {}, true],
    ['for a capability that is held', { includes: { caps: ['CAP_X'] } }, true],
    ['for capabilities of which one is not held', { includes: { caps: ['CAP_X', 'CAP_Y'] } }, false],
    ['for all without a capability that is held', { excludes: { caps: ['CAP_X', 'CAP_Y'] } }, false],
    ['for all without a capability that is not held', { excludes: { caps: ['CAP_Y'] } }, true],
    ['for this architecture', { includes: { arches: ['arm', 'amd64'] } }, true],
    ['for another architecture', { includes: { arches: ['arm64'] } }, false],
    ['for all but this architecture', { excludes: { arches: ['amd64'] } }, false],
    ['for all but another architecture', { excludes: { arches: ['s390x'] } }, true],
    ['from an older kernel on', { includes: { minKernel: '4.8' } }, true],
    ['from this kernel on', { includes: { minKernel: '6.1' } }, true],
    ['from a newer kernel on', { includes: { minKernel: '6.10' } }, false],
    ['up to an older kernel', { excludes: { minKernel: '4.8' } }, false],
    ['up to a newer kernel', { excludes: { minKernel: '7.0' } }, true],
    [
      'for this architecture and a capability that is not held',
      { includes: { arches: ['amd64'], caps: ['CAP_Y'] } },
      false,
    ],
  ])('has a rule %s', (_, conditions, kept) => {
    expect(isKept(conditions, ['CAP_X'])).toBe(kept);
  });

  it('keeps of a rule what OCI knows', () => {
    const profile = {
      defaultAction: 'SCMP_ACT_ERRNO',
      defaultErrnoRet: 38,
      defaultErrno: 'ENOSYS',
      archMap: [
        { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM'] },
        { architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'] },
      ],
      syscalls: [
        rule({ errnoRet: 1, errno: 'EPERM', args: [{ index: 0, value: 16, valueTwo: 0, op: 'SCMP_CMP_EQ' }] }),
        rule({ args: null, names: undefined, name: 'old' }),
      ],
    };
    expect(ociSeccomp(profile, [], here)).toEqual({
      defaultAction: 'SCMP_ACT_ERRNO',
      defaultErrnoRet: 38,
      architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
      syscalls: [
        { names: ['a'], action: 'SCMP_ACT_ALLOW', errnoRet: 1, args: [{ index: 0, value: 16, op: 'SCMP_CMP_EQ' }] },
        { names: ['old'], action: 'SCMP_ACT_ALLOW' },
      ],
    });
    expect(ociSeccomp(profile, [], { ...here, architecture: 'arm64' }).architectures).toEqual([
      'SCMP_ARCH_AARCH64',
      'SCMP_ARCH_ARM',
    ]);
    expect(ociSeccomp(profile, [], { ...here, architecture: 'riscv64' }).architectures).toEqual(['SCMP_ARCH_RISCV64']);
  });

  it('that is of OCI already comes out as it is', () => {
    const oci = {
      defaultAction: 'SCMP_ACT_ALLOW',
      architectures: ['SCMP_ARCH_X86_64'],
      flags: ['SECCOMP_FILTER_FLAG_LOG'],
      syscalls: [
        {
          names: ['a'],
          action: 'SCMP_ACT_ERRNO',
          errnoRet: 1,
          args: [{ index: 1, value: 2, valueTwo: 3, op: 'SCMP_CMP_MASKED_EQ' }],
        },
      ],
    };
    expect(ociSeccomp(oci, [], here)).toEqual(oci);
  });

  it.each([null, [], 'x', {}, { syscalls: [] }])('that is none is told: %j', (profile) => {
    expect(() => ociSeccomp(profile, [])).toThrow('the seccomp profile is none: it has no defaultAction');
  });
});
