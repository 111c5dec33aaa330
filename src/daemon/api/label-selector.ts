import { badRequest } from './backend.ts';

/** Whether an object with these labels is chosen. */
export type LabelSelector = (labels: Labels) => boolean;

type Labels = Readonly<Record<string, string>>;
/** One requirement, made of the value that a label has, if any. */
type Test = (value: string | undefined, wanted: readonly string[]) => boolean;

const requirementForms: readonly (readonly [RegExp, Test])[] = [
  [/^(\S+?)\s*(?:==|=)\s*(\S*)$/, (value, wanted) => value === wanted[0]],
  [/^(\S+?)\s*!=\s*(\S*)$/, (value, wanted) => value !== wanted[0]],
  [/^(\S+)\s+in\s*\((.*)\)$/, (value, wanted) => value !== undefined && wanted.includes(value)],
  [/^(\S+)\s+notin\s*\((.*)\)$/, (value, wanted) => value === undefined || !wanted.includes(value)],
  [/^!\s*(\S+)$/, (value) => value === undefined],
  [/^(\S+)$/, (value) => value !== undefined],
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
  for (const [form, holds] of requirementForms) {
    const [, key, values = ''] = form.exec(text) ?? [];
    if (key === undefined || !/^[\w./-]+$/.test(key)) continue;
    const wanted = values.split(',').map((value) => value.trim());
    return (labels) => holds(Object.hasOwn(labels, key) ? labels[key] : undefined, wanted);
  }
  throw badRequest(
    `label selector: ${JSON.stringify(text)} is none of key=value, key!=value, key in (a,b), key notin (a,b), key, !key`,
  );
}
