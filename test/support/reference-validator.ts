import { Ajv, type SchemaObject } from 'ajv';
import { formats } from '../../src/api/formats.ts';
import { rootSchema } from '../../src/api/known-fields.ts';

const ajv = new Ajv({ allErrors: true, useDefaults: true, strict: true, allowUnionTypes: true });
ajv.addVocabulary(['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-list-type', 'x-kubernetes-list-map-keys']);
// ajv knows formats of strings or of numbers, not of both; the ranges of the schema stand for those of numbers.
for (const [name, format] of Object.entries(formats))
  ajv.addFormat(name, (value: string) => format(value) === undefined);

/** What a general validator says of a value, held against the schema of the Container. It fills in the defaults. */
export const agreesWithSchema = ajv.compile(rootSchema as SchemaObject);
