import { badRequest } from './api-backend.ts';

/** Whether an object with these labels is chosen. */
export type LabelSelector = (labels: Readonly<Record<string, string>>) => boolean;

const requirementForms: readonly (readonly [RegExp, (key: string, values: readonly string[]) => LabelSelector])[] = [
  [/^(\S+?)\s*(?:==|=)\s*(\S*)$/, (key, values) => (labels) => labels[key] === values[0]],
  [/^(\S+?)\s*!=\s*(\S*)$/, (key, values) => (labels) => labels[key] !== values[0]],
  [/^(\S+)\s+in\s*\((.*)\)$/, (key, values) => (labels) => labels[key] !== undefined && values.includes(labels[key])],
  [
    /^(\S+)\s+notin\s*\((.*)\)$/,
    (key, values) => (labels) => labels[key] === undefined || !values.includes(labels[key]),
  ],
  [/^!\s*(\S+)$/, (key) => (labels) => labels[key] === undefined],
  [/^(\S+)$/, (key) => (labels) => labels[key] !== undefined],
];

/**
 * Read a label selector as kubectl has it: `app=web,tier!=db,env in (a, b),env notin (c),track,!old`; all must hold.
 * @throws ApiError for anything else
 */
export function parseLabelSelector(text: string): LabelSelector {
  // Trying the forms takes time in the square of the length.
  if (text.length > 1_000) throw badRequest('label selector: longer than 1000 characters');
  const requirements = splitRequirements(text).map(parseRequirement);
  return (labels) => requirements.every((holds) => holds(labels));
}

/** Split at the commas that are not in parentheses. */
function splitRequirements(text: string): string[] {
  return text.split(/,(?![^(]*\))/).map((requirement) => requirement.trim());
}

function parseRequirement(text: string): LabelSelector {
  for (const [form, build] of requirementForms) {
    const match = form.exec(text);
    const key = match?.[1];
    if (key === undefined || !/^[\w./-]+$/.test(key)) continue;
    return build(
      key,
      (match?.[2] ?? '').split(',').map((value) => value.trim()),
    );
  }
  throw badRequest(
    `label selector: ${JSON.stringify(text)} is none of key=value, key!=value, key in (a,b), key notin (a,b), key, !key`,
  );
}
