import type { SpecMistake } from '../api/container.ts';
import type { ObjectList, SourceInfo } from '../api/wire.ts';
import type { Client } from './client.ts';
import { ServerError } from './client.ts';
import { remark } from './output.ts';

/** A folder full of other people's files has hundreds. */
const mostShown = 10;

/** Everything that is wrong with what the sources declare now. */
export async function currentMistakes(client: Client): Promise<SpecMistake[]> {
  const { items } = await client.json<ObjectList<SourceInfo>>('GET', '/sources');
  return items.flatMap(({ mistakes }) => mistakes);
}

/** Tell of specs with mistakes and of sources that cannot be read: they are why something isn't as its file says. */
export async function warnOfSources(client: Client): Promise<void> {
  const { items } = await client.json<ObjectList<SourceInfo>>('GET', '/sources');
  for (const { name, unavailable, mistakes } of items) {
    if (unavailable !== undefined) remark(`Warning: ${name} cannot be read: ${unavailable}`);
    await printMistakes(mistakes.slice(0, mostShown));
    if (mistakes.length > mostShown) remark(`... and ${mistakes.length - mostShown} more mistakes: hob sources`);
  }
}

/** What is wrong with the files that declare these containers, which stay as they were. */
export async function warnOfMistakesIn(client: Client, names: readonly string[]): Promise<void> {
  const mistakes = await currentMistakes(client);
  await printMistakes(mistakes.filter(({ name }) => name !== undefined && names.includes(name)));
}

/** A container that isn't there may be one whose spec has mistakes: then say those, too. */
export async function explainMissing(client: Client, name: string, error: unknown): Promise<void> {
  if (!(error instanceof ServerError) || error.status.code !== 404) return;
  const mistakes = (await currentMistakes(client)).filter((mistake) => mistake.name === name);
  if (mistakes.length > 0) await printMistakes(mistakes);
}

/** One line each, as compilers write them, on standard error. */
export async function printMistakes(mistakes: readonly SpecMistake[]): Promise<void> {
  if (mistakes.length === 0) return;
  // Loaded only when there is one: it comes with everything that reads specs.
  const { formatMistake } = await import('../api/parse.ts');
  for (const mistake of mistakes) remark(formatMistake(mistake));
}
