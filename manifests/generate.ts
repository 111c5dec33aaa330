import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { containerDefinition } from '../src/api/crd/definition.ts';

/** The manifests that are made from the schema of the Container, and what makes each. */
const generators = [{ path: 'manifests/crd/containers.hob.dev.yaml', generate: containerDefinition }];

const heading = '# Made by npm run generate from src/api/schema.ts: change that.';

/** Every such manifest beside what it should be. */
export function manifests(root: string): { path: string; is: string; shouldBe: string }[] {
  return generators.map(({ path, generate }) => {
    const file = `${root}/${path}`;
    const is = existsSync(file) ? readFileSync(file, 'utf8') : '';
    return { path, is, shouldBe: `${heading}\n${yamlText(generate())}` };
  });
}

/** Written out in full, without references from one place to another: people read it. */
function yamlText(manifest: object): string {
  return stringify(manifest, { aliasDuplicateObjects: false, lineWidth: 120 });
}

if (import.meta.main) {
  for (const { path, shouldBe } of manifests('.')) writeFileSync(path, shouldBe);
}
