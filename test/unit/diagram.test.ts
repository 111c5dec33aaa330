import { expect, it } from 'vitest';
import { drawings } from '../../machines/draw.ts';

it('the drawings of the lifecycle are those of the machine (if not: npm run diagram)', () => {
  for (const { path, is, shouldBe } of drawings('.')) expect(is, path).toBe(shouldBe);
});
