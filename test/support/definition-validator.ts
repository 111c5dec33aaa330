import { Ajv, type SchemaObject } from 'ajv';
import { containerDefinition } from '../../src/api/crd/definition.ts';

/** A node of a structural schema, as far as tests look at it. */
export interface DefinitionNode {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly pattern?: string;
  readonly format?: string;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, DefinitionNode>>;
  readonly items?: DefinitionNode;
  readonly additionalProperties?: DefinitionNode;
  readonly 'x-kubernetes-int-or-string'?: true;
  readonly 'x-kubernetes-preserve-unknown-fields'?: true;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
}

interface Definition {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly versions: readonly {
      readonly schema: { readonly openAPIV3Schema: DefinitionNode };
      readonly additionalPrinterColumns: readonly { readonly name: string; readonly jsonPath: string }[];
    }[];
  };
}

/** The one version that the CustomResourceDefinition has. */
export function definedVersion(): Definition['spec']['versions'][number] {
  // What comes out of a generator for YAML is plain data without a type.
  const { spec } = containerDefinition() as unknown as Definition;
  const [version, ...more] = spec.versions;
  if (version === undefined || more.length > 0) throw new Error('the definition should have one version');
  return version;
}

export const definedSchema = definedVersion().schema.openAPIV3Schema;

/** The nodes that are below a node, with their names; `items` and `additionalProperties` as []. */
export function below(node: DefinitionNode): [string, DefinitionNode][] {
  const unnamed = [node.items, node.additionalProperties].filter((one) => one !== undefined);
  return [...Object.entries(node.properties ?? {}), ...unnamed.map((one): [string, DefinitionNode] => ['[]', one])];
}

/** What an API server does of itself, in words of JSON Schema: it knows a union of two types, and drops unknown fields. */
function asJsonSchema(node: DefinitionNode): object {
  const { properties, items, additionalProperties, 'x-kubernetes-int-or-string': isUnion, ...rest } = node;
  return {
    ...rest,
    ...(isUnion && { type: ['integer', 'string'] }),
    ...(items && { items: asJsonSchema(items) }),
    ...(additionalProperties && { additionalProperties: asJsonSchema(additionalProperties) }),
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([name, field]) => [name, asJsonSchema(field)])),
    }),
  };
}

const ajv = new Ajv({ allErrors: true, strict: false, validateFormats: false, allowUnionTypes: true });

/** What a general validator says of a value, held against the schema of the CustomResourceDefinition. */
export const agreesWithDefinition = ajv.compile(asJsonSchema(definedSchema) as SchemaObject);

/** The same of one field. */
export const agreesWithNode = (node: DefinitionNode): ((value: unknown) => boolean) => {
  const validate = ajv.compile(asJsonSchema(node) as SchemaObject);
  return (value) => validate(value);
};
