import { statSync } from 'node:fs';
import { readLog } from './container-logs.ts';
import type { Instance } from './instance.ts';
import type { RuntimeParts } from './runtime-parts.ts';

/** The keeper answers at once, unless it is just being replaced. */
const drainLimitMs = 5_000;

/** Have what the container has put out reach its log. Never rejects, and never takes long. */
export function drainLog(parts: RuntimeParts, instance: Instance): Promise<void> {
  return (instance.drained ??= drain(parts, instance));
}

async function drain({ keeper, warn }: RuntimeParts, { attached, paths }: Instance): Promise<void> {
  const { promise: late, resolve: giveUp } = Promise.withResolvers<'late'>();
  const timer = setTimeout(() => giveUp('late'), drainLimitMs);
  const drained = attached.then(() => keeper.drainLog(paths.key)).catch((error: unknown) => String(error));
  const problem = await Promise.race([drained, late]);
  clearTimeout(timer);
  if (problem) warn(`the end of the output of ${paths.key} may not be in its log: ${problem}`);
}

/** The last lines that the instance put out, once it has ended. */
export async function lastOutput(parts: RuntimeParts, instance: Instance): Promise<string[]> {
  await drainLog(parts, instance);
  if (!instance.record.log) return [];
  const { path, maxFiles } = instance.record.log;
  const sinceTime = statSync(instance.paths.record, { throwIfNoEntry: false })?.mtime ?? new Date();
  const lines: string[] = [];
  for await (const { text } of readLog({ path, maxFiles, tail: 5, sinceTime }))
    lines.push(text.toString('utf8').trimEnd());
  return lines;
}
