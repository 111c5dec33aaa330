import type { Container } from './container.ts';
import { overlap, type Finding } from './finding.ts';
import { identityRules } from './rules/identity.ts';
import { isolationRules } from './rules/isolation.ts';
import { mountRules } from './rules/mounts.ts';
import { processRules } from './rules/process.ts';
import type { Rule } from './rules/rule.ts';

const rules: readonly Rule[] = [...identityRules, ...processRules, ...mountRules, ...isolationRules];

/**
 * Everything that is wrong with a container beyond the shape of its fields. A rule is left out while a field that it
 * looks at has a wrong shape.
 */
export function checkMeaning(container: Container, shapeFindings: readonly Finding[]): Finding[] {
  const broken = shapeFindings.filter(({ at }) => at !== 'key').map(({ path }) => path);
  const isSound = ({ reads }: Rule) => !reads.some((field) => broken.some((path) => overlap(path, field.split('.'))));
  return rules.filter(isSound).flatMap((rule) => rule.find(container));
}
