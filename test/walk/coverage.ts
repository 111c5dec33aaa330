import type { Recorded } from './jobs.ts';
import { faultPoints } from './points.ts';
import type { FaultPoint } from './points.ts';

/** Points that no scenario passes, and why. What is not in here must be on the way of one. */
const elsewhere: readonly { readonly points: RegExp; readonly why: string }[] = [
  { points: /kill at src\/daemon\/(run|plugins)\.ts/, why: 'hob kills itself there, and is dead as in any other walk' },
  {
    points: /ftruncateSync at src\/keeper\/rotating-file\.ts:\d+$/,
    why: 'undoes a write that a death has torn in two',
  },
  {
    points: / at src\/sources\/kubernetes\//,
    why: 'needs an API server; hob dies at every message to and from one in test/kubernetes/deaths.test.ts',
  },
  { points: /^keeper: (send|receive) outputLost$/, why: 'is told to people; nothing is done or decided for it' },
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
