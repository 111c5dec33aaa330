/** The fields of `spec` about the process that runs in the container. */
export const processFields = {
  command: {
    type: 'array',
    items: { type: 'string', format: 'no-nul' },
    description:
      'The program and its first arguments, as an array; no shell is involved. A name without a slash is looked up in the PATH of the container. Required unless args or bundle is given.',
  },
  args: {
    type: 'array',
    items: { type: 'string', format: 'no-nul' },
    description:
      'Arguments after command. Without command: the whole command line, or, with bundle, the arguments of the program of the bundle.',
  },
  env: {
    type: 'array',
    description:
      'Environment variables. Of two entries with one name the later wins. PATH, HOME and, with terminal, TERM are there unless given. With bundle: added to the environment of the bundle.',
    items: {
      type: 'object',
      properties: {
        name: { type: 'string', format: 'env-name', description: 'Letters, digits, "_", "-" and "."; no digit first.' },
        value: {
          type: 'string',
          format: 'no-nul',
          default: '',
          description: 'The value. Put numbers and true or false in quotes.',
        },
      },
      required: ['name'],
      additionalProperties: false,
    },
  },
  workingDir: {
    type: 'string',
    format: 'absolute-path',
    description: 'The directory the command starts in, in the container. Default /; with bundle what the bundle says.',
  },
  user: {
    type: 'object',
    description: 'Who the command runs as. Default 0:0, root in the container; with bundle who the bundle says.',
    properties: {
      uid: { type: 'integer', minimum: 0, maximum: 4294967294, description: 'User id, as seen in the container.' },
      gid: { type: 'integer', minimum: 0, maximum: 4294967294, description: 'Group id, as seen in the container.' },
      additionalGids: {
        type: 'array',
        items: { type: 'integer', minimum: 0, maximum: 4294967294 },
        description: 'Further group ids.',
      },
    },
    required: ['uid', 'gid'],
    additionalProperties: false,
  },
  hostname: {
    type: 'string',
    format: 'hostname',
    description: 'The host name in the container. Default: metadata.name; with bundle what the bundle says.',
  },
  terminal: {
    type: 'boolean',
    description: 'Give the command a terminal. Default false; with bundle what the bundle says.',
  },
  rlimits: {
    type: 'array',
    description:
      'Limits of the process, as setrlimit(2) has them. Not above the hard limits of hob itself, unless hob may raise them.',
    items: {
      type: 'object',
      properties: {
        type: {
          type: 'string',
          enum: [
            'RLIMIT_AS',
            'RLIMIT_CORE',
            'RLIMIT_CPU',
            'RLIMIT_DATA',
            'RLIMIT_FSIZE',
            'RLIMIT_LOCKS',
            'RLIMIT_MEMLOCK',
            'RLIMIT_MSGQUEUE',
            'RLIMIT_NICE',
            'RLIMIT_NOFILE',
            'RLIMIT_NPROC',
            'RLIMIT_RSS',
            'RLIMIT_RTPRIO',
            'RLIMIT_RTTIME',
            'RLIMIT_SIGPENDING',
            'RLIMIT_STACK',
          ],
          description: 'Which limit. Each at most once.',
        },
        soft: {
          type: 'integer',
          minimum: -1,
          maximum: Number.MAX_SAFE_INTEGER,
          description: 'The limit that holds, in the unit of the limit; -1 is unlimited.',
        },
        hard: {
          type: 'integer',
          minimum: -1,
          maximum: Number.MAX_SAFE_INTEGER,
          description: 'How far the process may raise it; -1 is unlimited.',
        },
      },
      required: ['type', 'soft', 'hard'],
      additionalProperties: false,
    },
  },
} as const;
