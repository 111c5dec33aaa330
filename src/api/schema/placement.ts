/** The fields of `spec` about which node's hob keeps the container, where several read from one source. */
export const placementFields = {
  nodeName: {
    type: 'string',
    maxLength: 253,
    format: 'dns-subdomain',
    description:
      'The name of the node whose hob keeps it; every other hob leaves it alone. Default: any node that nodeSelector matches.',
  },
  nodeSelector: {
    type: 'object',
    additionalProperties: { type: 'string', format: 'label-value' },
    description:
      'Labels that a node must have, all of them, for its hob to keep the container. Default: any node will do.',
  },
} as const;
