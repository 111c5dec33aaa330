import type { ContainerSpec } from '../container.ts';
import type { Finding } from '../finding.ts';
import { missing, wrong, type Rule } from './rule.ts';

export const isolationRules: readonly Rule[] = [
  { reads: ['spec.seccomp'], find: ({ spec }) => seccomp(spec) },
  { reads: ['spec.userNamespace'], find: ({ spec }) => idsBeyondLinux(spec) },
  { reads: ['spec.userNamespace', 'spec.user'], find: ({ spec }) => userOutside(spec) },
  {
    reads: ['spec.sysctls', 'spec.network'],
    find: ({ spec }) => Object.keys(spec.sysctls ?? {}).flatMap((name) => sysctl(name, spec)),
  },
];

function seccomp({ seccomp: profile }: ContainerSpec): Finding[] {
  const path = ['spec', 'seccomp', 'localhostProfile'];
  const { type, localhostProfile } = profile ?? {};
  if (type === 'Localhost' && localhostProfile === undefined)
    return [missing(path, 'type Localhost needs the path of a profile')];
  if (type === 'Localhost' || localhostProfile === undefined) return [];
  return [{ path, at: 'key', message: `it has no meaning with type ${type}; only with Localhost` }];
}

/** The last id, 4294967295, means "no id" to the kernel. */
const lastID = 4294967294;

function idsBeyondLinux({ userNamespace }: ContainerSpec): Finding[] {
  if (!userNamespace) return [];
  const { hostUID, hostGID, size } = userNamespace;
  const last = Math.max(hostUID, hostGID) + size - 1;
  return last <= lastID
    ? []
    : [wrong(['spec', 'userNamespace', 'size'], `the last id would be ${last}, and Linux has none beyond ${lastID}`)];
}

function userOutside({ userNamespace, user }: ContainerSpec): Finding[] {
  if (!userNamespace || !user) return [];
  const outside = (['uid', 'gid'] as const).filter((id) => user[id] >= userNamespace.size);
  return outside.map((id) =>
    wrong(['spec', 'user', id], `the user namespace has only the ids 0 to ${userNamespace.size - 1}`),
  );
}

/** The kernel parameters that each container has for itself; all others are those of the host. */
const ownSysctls =
  /^(net\.|fs\.mqueue\.|kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced|domainname)$)/;

function sysctl(name: string, { network }: ContainerSpec): Finding[] {
  const at = { path: ['spec', 'sysctls', name], at: 'key' } as const;
  if (!ownSysctls.test(name) || !/^[\w./-]+$/.test(name) || name.includes('..'))
    return [
      {
        ...at,
        message:
          'a container has only net.*, fs.mqueue.*, kernel.shm*, kernel.msg*, kernel.sem and kernel.domainname for itself',
      },
    ];
  if (name.startsWith('net.') && network === 'host')
    return [{ ...at, message: 'with network host it would change the host; net.* needs network none' }];
  return [];
}
