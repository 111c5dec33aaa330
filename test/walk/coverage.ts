import type { Recorded } from './jobs.ts';
import { faultPoints } from './points.ts';
import type { FaultPoint } from './points.ts';

/** Points that no scenario passes, and why. What is not in here must be on the way of one. */
const elsewhere: readonly { readonly points: RegExp; readonly why: string }[] = [
  {
    points: /hooks\/container-metadata|hook: (send ran|receive (run|cancel|complaint|broken))/,
    why: 'what the thread of a plugin does by itself',
  },
  {
    points: /host\/files\.ts|instance\/files\.ts|seccomp-cache\.ts|known-identity\.ts|rotating-file\.ts/,
    why: 'only where a write has failed',
  },
  {
    points: /keeper: .*retire|runtime\/keeper\/process\.ts|keeper\/main\.ts|daemon\/(run|plugins)\.ts/,
    why: 'only at the end of hob or of a keeper, or for one that hangs',
  },
  {
    points: /journal\/(elsewhere|database)\.ts|DELETE event/,
    why: 'only for a journal that cannot be used, or is full of events',
  },
  {
    points: /crun-root|rebuild|watch-folder|cgroup-remains|end-instance|discard\.ts|signals\.ts|instance-logs/,
    why: 'only for what others have removed, killed or left',
  },
  { points: /run-records\.ts/, why: 'only for what a dead keeper ran' },
  { points: /directory\/sight\.ts/, why: 'opens to look; nothing is written' },
  { points: /keeper: .*\bhold\b/, why: 'only where a keeper has died that held descriptors' },
];

export interface Coverage {
  readonly registered: number;
  readonly walked: number;
  readonly unwalked: readonly (FaultPoint & { readonly why: string })[];
  /** On no way, without a reason. */
  readonly unexplained: readonly FaultPoint[];
}

/** Hold what the processes passed against what is in their code. */
export function coverage(recorded: readonly Recorded[]): Coverage {
  const passed = new Set(
    recorded.flatMap(({ process, passed: marks }) => marks.map(({ point }) => `${process} ${point}`)),
  );
  const registered = faultPoints();
  const missing = registered.filter(({ process, point }) => !passed.has(`${process} ${point}`));
  const explained = missing.map((each) => ({
    ...each,
    why: elsewhere.find(({ points }) => points.test(each.point))?.why,
  }));
  return {
    registered: registered.length,
    walked: registered.length - missing.length,
    unwalked: explained.flatMap(({ why, ...each }) => (why === undefined ? [] : [{ ...each, why }])),
    unexplained: explained.filter(({ why }) => why === undefined),
  };
}
