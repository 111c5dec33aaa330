/** The fields of `spec` about how hob looks after the container, and the ways out of the schema. */
export const supervisionFields = {
  log: {
    type: 'object',
    default: {},
    description:
      'Where the output of the container goes. Each line is written as: time, stdout or stderr, P or F, text.',
    properties: {
      path: {
        type: 'string',
        format: 'absolute-path',
        description:
          'Absolute path of the log file on the host. Default: a file in the state directory of hob, which `hob logs` reads.',
      },
      maxSize: {
        type: ['integer', 'string'],
        minimum: 1048576,
        format: 'memory-limit',
        default: '10Mi',
        description: 'At this size, in bytes, as a quantity, the file is set aside and a new one begun. At least 1Mi.',
      },
      maxFiles: {
        type: 'integer',
        minimum: 1,
        maximum: 1000,
        default: 3,
        description: 'How many files are kept, with the one being written.',
      },
    },
    additionalProperties: false,
  },
  restartPolicy: {
    type: 'string',
    enum: ['Always', 'OnFailure', 'Never'],
    default: 'Always',
    description:
      'Whether a container that ended is started again: always, when it failed (exit code not 0, or a signal), or never.',
  },
  terminationGracePeriodSeconds: {
    type: 'integer',
    minimum: 0,
    maximum: 86400,
    default: 10,
    description: 'Seconds between stopSignal and SIGKILL.',
  },
  stopSignal: {
    type: 'string',
    format: 'signal',
    default: 'SIGTERM',
    description: 'The signal that asks the container to end: SIGTERM, SIGINT, SIGRTMIN+3, ...',
  },
  desiredState: {
    type: 'string',
    enum: ['Running', 'Paused', 'Stopped'],
    default: 'Running',
    description: 'Running; Paused: there, but frozen; Stopped: not there, but still known.',
  },
  plugins: {
    type: 'array',
    default: [],
    description: 'The plugins that take part in the life of this container, in this order (at its end: in reverse).',
    items: {
      type: 'object',
      properties: {
        name: {
          type: 'string',
          minLength: 1,
          maxLength: 253,
          description: 'The name of the plugin. Each at most once.',
        },
        data: {
          'x-kubernetes-preserve-unknown-fields': true,
          description: 'Whatever the plugin wants to know, handed to it as it is.',
        },
        required: {
          type: 'boolean',
          default: true,
          description: 'Whether the container waits for this plugin, and its start fails with it.',
        },
        timeoutSeconds: {
          type: 'integer',
          minimum: 1,
          maximum: 86400,
          default: 30,
          description: 'Seconds that each hook of the plugin may take.',
        },
      },
      required: ['name'],
      additionalProperties: false,
    },
  },
  ociPatch: {
    type: 'object',
    'x-kubernetes-preserve-unknown-fields': true,
    description:
      'A JSON merge patch (RFC 7396) over the OCI configuration that hob makes, for whatever has no field here. It is applied last and not checked.',
  },
} as const;
