import type { JSONSchema } from 'json-schema-to-ts';
import { filesystemFields } from './schema/filesystem.ts';
import { isolationFields } from './schema/isolation.ts';
import { placementFields } from './schema/placement.ts';
import { processFields } from './schema/process.ts';
import { resourcesField } from './schema/resources.ts';
import { statusField } from './schema/status.ts';
import { supervisionFields } from './schema/supervision.ts';

/** The one API version there is. */
export const apiVersion = 'hob.dev/v1alpha1';
/** The one kind there is. */
export const kind = 'Container';

/** Fields of metadata that the API server or hob writes. A file may hold them; they mean nothing there. */
export const observedMetadata: readonly string[] = [
  'creationTimestamp',
  'deletionGracePeriodSeconds',
  'deletionTimestamp',
  'finalizers',
  'generateName',
  'generation',
  'managedFields',
  'ownerReferences',
  'resourceVersion',
  'selfLink',
  'uid',
];

const metadata = {
  type: 'object',
  description: 'Who the container is.',
  properties: {
    name: {
      type: 'string',
      maxLength: 128,
      format: 'dns-subdomain',
      description:
        'Its name, unique in its namespace: lower-case letters, digits, "-" and ".", with a letter or digit first and last.',
    },
    namespace: {
      type: 'string',
      maxLength: 63,
      format: 'dns-label',
      default: 'default',
      description: 'A group of containers. Together with the name at most 128 characters.',
    },
    labels: {
      type: 'object',
      additionalProperties: { type: 'string', format: 'label-value' },
      description: 'Short names and values to find containers by.',
    },
    annotations: {
      type: 'object',
      additionalProperties: { type: 'string' },
      description: 'Anything else worth keeping with the container.',
    },
    generation: { type: 'integer', description: 'Counts the changes of spec. Written by hob; ignored in a file.' },
    uid: {
      type: 'string',
      description: 'Tells this container from others of its name. Written by hob; ignored in a file.',
    },
    creationTimestamp: {
      type: 'string',
      format: 'date-time',
      description: 'When hob first saw it. Written by hob; ignored in a file.',
    },
  },
  required: ['name'],
  additionalProperties: false,
} as const;

const spec = {
  type: 'object',
  description: 'What is wanted.',
  properties: {
    ...filesystemFields,
    ...processFields,
    resources: resourcesField,
    ...isolationFields,
    ...supervisionFields,
    ...placementFields,
  },
  additionalProperties: false,
} as const;

/**
 * The Container resource, the single source of truth: types, validation, defaults, `hob explain` and the CRD come from it.
 *
 * A field that a bundle may set as well has no `default` here (the description names it), so that it is known whether it was
 * given. Formats are those of `formats.ts`. Without `additionalProperties: false` and with
 * `x-kubernetes-int-or-string` for a union of types it is a structural schema as Kubernetes wants it.
 */
export const containerSchema = {
  type: 'object',
  description: 'A container that hob keeps on this host as its spec says.',
  properties: {
    apiVersion: { type: 'string', enum: [apiVersion], description: 'Version of this schema.' },
    kind: { type: 'string', enum: [kind], description: 'What this is.' },
    metadata,
    spec,
    status: statusField,
  },
  required: ['apiVersion', 'kind', 'metadata', 'spec'],
  additionalProperties: false,
} as const satisfies JSONSchema;
