/** The fields of `spec` about what keeps the container apart from the host. */
export const isolationFields = {
  capabilities: {
    type: 'object',
    description:
      'Changes to the capabilities every container has: CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, NET_BIND_SERVICE, SETGID, SETUID, SYS_CHROOT. With bundle: changes to those of the bundle.',
    properties: {
      add: {
        type: 'array',
        items: { type: 'string', format: 'capability' },
        description:
          'Names such as NET_ADMIN, or ALL that hob itself has. A user other than root holds only what is added here.',
      },
      drop: {
        type: 'array',
        items: { type: 'string', format: 'capability' },
        description: 'Names such as CHOWN, or ALL. Drops come first: drop ALL and add one leaves that one.',
      },
    },
    additionalProperties: false,
  },
  seccomp: {
    type: 'object',
    description: 'Which system calls the container may make. Default RuntimeDefault; with bundle what the bundle says.',
    properties: {
      type: {
        type: 'string',
        enum: ['RuntimeDefault', 'Unconfined', 'Localhost'],
        description:
          'RuntimeDefault: the profile of the distribution, /usr/share/containers/seccomp.json. Unconfined: all. Localhost: the profile at localhostProfile.',
      },
      localhostProfile: {
        type: 'string',
        format: 'absolute-path',
        description:
          'Absolute path of a seccomp profile (JSON) on the host. Only with type Localhost, and required there.',
      },
    },
    required: ['type'],
    additionalProperties: false,
  },
  noNewPrivileges: {
    type: 'boolean',
    description:
      'No program in the container gains privileges, not even through set-user-id files. Default true; with bundle what the bundle says.',
  },
  userNamespace: {
    type: 'object',
    description:
      'Run in a user namespace: ids 0 to size-1 of the container are hostUID and up on the host. The files of the root filesystem must belong to the mapped ids, and the directories above it must be searchable by them.',
    properties: {
      hostUID: {
        type: 'integer',
        minimum: 1,
        maximum: 4294967294,
        description: 'The user id of the host that is 0 in the container.',
      },
      hostGID: {
        type: 'integer',
        minimum: 1,
        maximum: 4294967294,
        description: 'The group id of the host that is 0 in the container.',
      },
      size: {
        type: 'integer',
        minimum: 1,
        maximum: 4294967294,
        default: 65536,
        description: 'How many user and group ids there are in the container.',
      },
    },
    required: ['hostUID', 'hostGID'],
    additionalProperties: false,
  },
  network: {
    type: 'string',
    enum: ['none', 'host'],
    description:
      'none: a network namespace of its own with loopback only. host: the network of the host. Default none; with bundle what the bundle says.',
  },
  sysctls: {
    type: 'object',
    additionalProperties: { type: 'string', format: 'no-nul' },
    description:
      'Kernel parameters of the namespaces of the container, name to value (a string). net.* only when network is none.',
  },
} as const;
