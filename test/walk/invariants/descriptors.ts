import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { helpersOf } from './sight.ts';
import type { Sight } from './sight.ts';

/** How many descriptors of each kind a process has: "socket", "pipe", "[pidfd]", "file", ... */
export type DescriptorKinds = ReadonlyMap<string, number>;

/** Of hob and its keeper, at a moment when all had settled. */
export interface Descriptors {
  readonly hob: DescriptorKinds;
  readonly keeper: DescriptorKinds;
}

const none: DescriptorKinds = new Map();

/** What hob and its keeper have open now; to be held against later. */
export const descriptorsOf = (sight: Sight): Descriptors => ({
  hob: kindsOf(sight, 'hob'),
  keeper: kindsOf(sight, 'keeper'),
});

/**
 * hob and its keeper have open what belongs to containers that run, once each, and nothing that was deleted; the keeper reads what they print.
 * @param before when given, no more of any kind than that, as long as the same containers run
 */
export function descriptorFaults(sight: Sight, before?: Descriptors): string[] {
  return (['hob', 'keeper'] as const).flatMap((who) => {
    const [process] = helpersOf(sight, who);
    if (!process) return [];
    const open = linksOf(process.pid);
    const pidfds = open.filter((target) => target.includes('pidfd')).length;
    return [
      ...open
        .filter((target) => target.endsWith(' (deleted)') && !isLost(sight, target))
        .map((target) => `${who} has a deleted file open: ${target}`),
      ...open.flatMap((target) => strangeFaults(sight, who, target)),
      ...repeated(open).map((target) => `${who} has a file open twice: ${target}`),
      ...(pidfds > sight.alive.size
        ? [`${who} has ${pidfds} pidfds, for ${sight.alive.size} containers that run`]
        : []),
      ...(who === 'keeper' ? unreadFaults(sight, open) : []),
      ...(before ? grown(who, before[who], countKinds(open)) : []),
    ];
  });
}

/** Its files were deleted by somebody, and it runs on with what was open. */
const isLost = ({ alive }: Sight, target: string): boolean =>
  alive.get(/\/instances\/([^/]+)\//.exec(target)?.[1] ?? '')?.hasFiles === false;

/** As long as there is a hob, which tells each keeper what to read. */
function unreadFaults({ world, alive }: Sight, open: readonly string[]): string[] {
  const withFiles = [...alive.values()].filter(({ hasFiles = true }) => hasFiles);
  const fifos = withFiles.flatMap(({ name: id }) => ['stdout', 'stderr'].map((name) => ({ id, name })));
  const isRead = (id: string, name: string): boolean => open.includes(join(world.runDir, 'instances', id, name));
  return fifos.flatMap(({ id, name }) =>
    isRead(id, name) || world.death ? [] : [`${id}: the keeper does not read its ${name}`],
  );
}

/** Part of something that no running container has. */
function strangeFaults({ world, alive }: Sight, who: string, target: string): string[] {
  if (target.endsWith(' (deleted)') || !target.startsWith(`${world.dir}/`)) return [];
  const [, id] = /\/(?:instances|overlays|logs|crun)\/([^/]+)\//.exec(target.slice(world.dir.length)) ?? [];
  return id === undefined || alive.has(id) ? [] : [`${id}: ${who} has something of it open: ${target}`];
}

/** Files by name; its output goes to one file by two descriptors. */
function repeated(open: readonly string[]): string[] {
  const files = open.filter(
    (target) => target.startsWith('/') && !target.startsWith('/dev/') && !target.endsWith('.log'),
  );
  return files.filter((target, at) => files.indexOf(target) < at);
}

function grown(who: string, before: DescriptorKinds, now: DescriptorKinds): string[] {
  return [...now].flatMap(([kind, count]) => {
    const earlier = before.get(kind) ?? 0;
    return count > earlier
      ? [`${who} has more descriptors of the kind ${kind} than before: ${count}, not ${earlier}`]
      : [];
  });
}

function kindsOf(sight: Sight, who: 'hob' | 'keeper'): DescriptorKinds {
  const [process] = helpersOf(sight, who);
  return process ? countKinds(linksOf(process.pid)) : none;
}

function countKinds(open: readonly string[]): Map<string, number> {
  const kinds = open.map((target) =>
    target.startsWith('/') ? 'file' : target.replace(/^anon_inode:|:?\[\d+\]$/g, ''),
  );
  return new Map([...Map.groupBy(kinds, (kind) => kind)].map(([kind, all]) => [kind, all.length]));
}

function linksOf(pid: number): string[] {
  const directory = `/proc/${pid}/fd`;
  try {
    return readdirSync(directory).flatMap((fd) => linkOf(`${directory}/${fd}`));
  } catch {
    return [];
  }
}

function linkOf(path: string): string[] {
  try {
    return [readlinkSync(path)];
  } catch {
    return [];
  }
}
