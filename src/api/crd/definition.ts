import { fieldsOf, rootSchema, type SchemaNode } from '../known-fields.ts';
import { apiVersion, kind } from '../schema.ts';
import { structural, type StructuralSchema } from './structural.ts';

const [group = '', version = ''] = apiVersion.split('/');
const singular = kind.toLowerCase();
const plural = `${singular}s`;

/** The CustomResourceDefinition that makes Containers known to an API server. */
export function containerDefinition(): StructuralSchema {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, listKind: `${kind}List`, plural, singular, shortNames: ['hc'], categories: ['hob'] },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: resource() },
          subresources: { status: {} },
          additionalPrinterColumns: [...columns, ...wideColumns.map((column) => ({ ...column, priority: 1 }))],
        },
      ],
    },
  };
}

/** apiVersion, kind and metadata are the API server's own; it lets a schema restrict only the name. */
function resource(): StructuralSchema {
  const { metadata = {}, spec = {}, status = {} } = fieldsOf(rootSchema);
  return {
    type: 'object',
    description: rootSchema.description,
    required: ['spec'],
    properties: {
      metadata: { type: 'object', properties: { name: nameSchema(metadata) } },
      spec: { ...rootAndProgram, ...structural(spec) },
      status: structural(status),
    },
  };
}

function nameSchema(metadata: SchemaNode): StructuralSchema {
  const { type, maxLength } = fieldsOf(metadata)['name'] ?? {};
  return { type, maxLength };
}

/** What a schema can say of the rules about several fields, in a message that is still understood. */
const rootAndProgram = {
  oneOf: [{ required: ['rootfs'] }, { required: ['bundle'] }],
  anyOf: [{ required: ['command'] }, { required: ['args'] }, { required: ['bundle'] }],
};

const columns = [
  { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
  { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
  { name: 'Restarts', type: 'integer', jsonPath: '.status.restartCount' },
  { name: 'Exit', type: 'integer', jsonPath: '.status.exitCode' },
  { name: 'Node', type: 'string', jsonPath: '.status.nodeName' },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
];

const wideColumns = [
  { name: 'Pid', type: 'integer', jsonPath: '.status.pid' },
  { name: 'Instance', type: 'string', jsonPath: '.status.instanceID' },
  { name: 'Reason', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
  { name: 'Message', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].message' },
];
