const time = { type: 'string', format: 'date-time' } as const;

/** How an instance ended; the same shape in `status` and `status.lastTermination`. */
const ending = {
  exitCode: {
    type: 'integer',
    description: 'Exit code of the command; 128 + n for signal n. Absent when nobody could learn it.',
  },
  signal: { type: 'string', description: 'The signal that ended it: SIGKILL, SIGSEGV, ...' },
  oomKilled: { type: 'boolean', description: 'Whether the kernel ended it because it used more memory than it may.' },
  startedAt: { ...time, description: 'When the command started.' },
  finishedAt: { ...time, description: 'When it ended.' },
} as const;

const hookRuns = {
  type: 'array',
  description: 'The plugins that were called, in the order in which the calls began.',
  items: {
    type: 'object',
    properties: {
      plugin: { type: 'string', description: 'The name of the plugin.' },
      outcome: {
        type: 'string',
        enum: ['running', 'ok', 'failed', 'interrupted'],
        description: 'What the hook answered, if it has; interrupted: hob or its keeper died in the middle.',
      },
      reason: {
        type: 'string',
        description: 'Why it failed: HookFailed, HookThrew, HookTimedOut, PluginCrashed, ...',
      },
      message: { type: 'string', description: 'The same in words.' },
      startedAt: { ...time, description: 'When the call began.' },
      durationMs: { type: 'number', description: 'How long it took, in milliseconds. Absent while it runs.' },
      attempt: { type: 'integer', description: '1, or more when hob died during an earlier call.' },
    },
    required: ['plugin', 'outcome', 'startedAt', 'attempt'],
    additionalProperties: false,
  },
} as const;

/** `status`: what hob observed. Ignored on input. */
export const statusField = {
  type: 'object',
  description: 'What hob observed. Written by hob; ignored in a file.',
  properties: {
    phase: {
      type: 'string',
      enum: [
        'Pending',
        'Constructing',
        'Starting',
        'Running',
        'Paused',
        'Stopping',
        'Destroying',
        'Backoff',
        'Completed',
        'Failed',
        'Stopped',
      ],
      description: 'Where in its life the container is.',
    },
    observedGeneration: { type: 'integer', description: 'The metadata.generation that this status is about.' },
    conditions: {
      type: 'array',
      description: 'Ready, Reconciling and Stalled, as kubectl wait and health checks read them.',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['type'],
      items: {
        type: 'object',
        properties: {
          type: { type: 'string', description: 'Ready, Reconciling, Stalled, ...' },
          status: { type: 'string', enum: ['True', 'False', 'Unknown'], description: 'Whether it holds.' },
          reason: { type: 'string', description: 'Why, as one CamelCase word.' },
          message: { type: 'string', description: 'Why, in words.' },
          lastTransitionTime: { ...time, description: 'When status last changed.' },
          observedGeneration: { type: 'integer', description: 'The metadata.generation that the condition is about.' },
        },
        required: ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
        additionalProperties: false,
      },
    },
    nodeName: {
      type: 'string',
      description: 'The node whose hob keeps it; written when that hob takes it on.',
    },
    instanceID: {
      type: 'string',
      description: 'The life of the container that this is about; a restart is another instance.',
    },
    pid: { type: 'integer', description: 'The pid of the command on the host, while it runs.' },
    ...ending,
    restartCount: { type: 'integer', description: 'How often it was started again.' },
    nextRestartAt: { ...time, description: 'When it is started again, while it is backed off.' },
    lastTermination: {
      type: 'object',
      description: 'How the instance before this one ended.',
      properties: {
        instanceID: { type: 'string', description: 'Which instance.' },
        ...ending,
        reason: { type: 'string', description: 'Completed, Error, OOMKilled, StartError, ...' },
        message: { type: 'string', description: 'The same in words.' },
      },
      additionalProperties: false,
    },
    hooks: {
      type: 'object',
      description: 'The hook calls of this instance, by hook point.',
      properties: {
        postConstruction: hookRuns,
        preStart: hookRuns,
        postStart: hookRuns,
        postStop: hookRuns,
        preDestruction: hookRuns,
      },
      additionalProperties: false,
    },
  },
  additionalProperties: false,
} as const;
