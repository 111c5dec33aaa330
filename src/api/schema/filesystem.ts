/** The fields of `spec` about files: where the root filesystem comes from and what is mounted into it. */
export const filesystemFields = {
  rootfs: {
    type: 'object',
    description:
      "A directory of the host that is the container's root filesystem. It is never written to: unless readOnlyRootfs is set, the container gets a writable layer on top that goes with the instance. Give exactly one of rootfs and bundle.",
    properties: {
      path: { type: 'string', format: 'absolute-path', description: 'Absolute path of the directory on the host.' },
    },
    required: ['path'],
    additionalProperties: false,
  },
  bundle: {
    type: 'object',
    description:
      'An OCI bundle of the host: a directory with a config.json and a root filesystem. Its config.json is the base, and the fields of this spec that are given override it. The bundle is never written to. Give exactly one of rootfs and bundle.',
    properties: {
      path: { type: 'string', format: 'absolute-path', description: 'Absolute path of the bundle on the host.' },
    },
    required: ['path'],
    additionalProperties: false,
  },
  readOnlyRootfs: {
    type: 'boolean',
    description:
      'Mount the root filesystem read-only. Default false: the container gets a writable layer on top, which goes with the instance. With bundle the default is what the bundle says.',
  },
  mounts: {
    type: 'array',
    description:
      'What is mounted into the container, in this order, after what every container has (/proc, /dev, /sys). A mount at the place of an earlier one, or of one that every container has, takes its turn instead of it; with bundle, both are made.',
    items: {
      type: 'object',
      properties: {
        destination: {
          type: 'string',
          format: 'absolute-path',
          description: 'Where it appears in the container. Made if it is not there.',
        },
        source: {
          type: 'string',
          minLength: 1,
          format: 'no-nul',
          description: 'For a bind mount the absolute path on the host (required), else the device or any name.',
        },
        type: {
          type: 'string',
          format: 'mount-type',
          default: 'bind',
          description: 'bind, or a filesystem type such as tmpfs.',
        },
        options: {
          type: 'array',
          items: { type: 'string', minLength: 1, format: 'no-nul' },
          default: [],
          description:
            'Mount options, one an entry: ro, nosuid, nodev, noexec, size=64m, ... A bind mount takes what is mounted below its source along (rbind) unless bind is given.',
        },
      },
      required: ['destination'],
      additionalProperties: false,
    },
  },
  devices: {
    type: 'array',
    description:
      'Device nodes of the host that the container may use, beside /dev/null, zero, full, random, urandom and tty.',
    items: {
      type: 'object',
      properties: {
        path: { type: 'string', format: 'absolute-path', description: 'Path of the node in the container.' },
        hostPath: {
          type: 'string',
          format: 'absolute-path',
          description: 'Path of the node on the host. Default: the same as path.',
        },
        permissions: {
          type: 'string',
          format: 'device-permissions',
          default: 'rw',
          description: 'What the container may do with it: r read, w write, m make nodes of it.',
        },
      },
      required: ['path'],
      additionalProperties: false,
    },
  },
} as const;
