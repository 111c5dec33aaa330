/** `spec.resources`: what can change while the container runs. */
export const resourcesField = {
  type: 'object',
  description: 'Limits for the container as a whole. A change of these alone is made in place, with no restart.',
  properties: {
    memory: {
      type: ['integer', 'string'],
      minimum: 1048576,
      format: 'memory-limit',
      description:
        'Most memory it may use, in bytes, as a Kubernetes quantity: 64Mi, 1Gi, 500M. At least 1Mi. Default: no limit.',
    },
    swap: {
      type: ['integer', 'string'],
      minimum: 0,
      format: 'memory-quantity',
      description:
        'Most swap it may use on top of memory, in bytes, as a quantity. Only with memory. Default 0 when memory is given.',
    },
    cpuShares: {
      type: 'integer',
      minimum: 2,
      maximum: 262144,
      description: 'Weight against other containers when the CPUs are busy; 1024 is what everybody has by default.',
    },
    cpuQuota: {
      type: ['number', 'string'],
      minimum: 0.01,
      maximum: 10000,
      format: 'cpu-quantity',
      description:
        'Most CPU time it may use, in CPUs, as a Kubernetes quantity: 500m is half a CPU, 2 is two. At least 10m. Default: no limit.',
    },
    cpus: {
      type: 'string',
      format: 'cpu-list',
      description: 'Which CPUs it may run on, as a list: 0-1,3. Default: all.',
    },
    pids: {
      type: 'integer',
      minimum: 1,
      maximum: 4194304,
      description: 'Most processes and threads it may have. Default 256; with bundle what the bundle says.',
    },
  },
  additionalProperties: false,
} as const;
