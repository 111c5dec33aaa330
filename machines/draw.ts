import { readFileSync, writeFileSync } from 'node:fs';
import { containerMachine } from './container.ts';
import { mermaid } from './diagram.ts';

/** The documents that show the machine: the whole of it, or the outermost states. */
const documents = [
  { path: 'docs/lifecycle.md', overview: false },
  { path: 'README.md', overview: true },
];

const begin = '<!-- drawn by npm run diagram -->';
const end = '<!-- end of drawing -->';

/** A document with its drawing made new. Throws when it has no place for one. */
function redrawn(text: string, overview: boolean): string {
  const [before, rest] = text.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`no place for a drawing: "${begin}" ... "${end}"`);
  const drawing = mermaid(containerMachine, { entering: 'entering', overview });
  return `${before}${begin}\n\n\`\`\`mermaid\n${drawing}\n\`\`\`\n\n${end}${after}`;
}

/** Every document beside what it should be. */
export function drawings(root: string): { path: string; is: string; shouldBe: string }[] {
  return documents.map(({ path, overview }) => {
    const is = readFileSync(`${root}/${path}`, 'utf8');
    return { path, is, shouldBe: redrawn(is, overview) };
  });
}

if (import.meta.main) {
  for (const { path, shouldBe } of drawings('.')) writeFileSync(path, shouldBe);
}
