import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The folders of tests, those with the longest tests first. */
const folders = ['walk', 'kubernetes', 'faults', 'fuzz', 'integration', 'unit'];
const rankOf = ({ project, moduleId }: TestSpecification): number =>
  folders.indexOf(relative(project.config.root, moduleId).split('/')[1] ?? '');

/** Short tests fill the gaps at the end of a run; a long one that began last would be waited for alone. Vitest itself knows how long they took only on a machine where they ran before. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).toSorted((a, b) => rankOf(a) - rankOf(b));
  }
}
