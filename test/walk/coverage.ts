import type { Recorded } from './jobs.ts';
import { faultPoints } from './points.ts';
import type { FaultPoint } from './points.ts';

/** Points that no scenario passes, and why. What is not in here must be walked. */
const elsewhere: readonly { readonly point: RegExp; readonly why: string }[] = [];

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
  const unwalked = missing.flatMap((each) => {
    const reason = elsewhere.find(({ point }) => point.test(`${each.process} ${each.point}`));
    return reason ? [{ ...each, why: reason.why }] : [];
  });
  return {
    registered: registered.length,
    walked: registered.length - missing.length,
    unwalked,
    unexplained: missing.filter(
      (each) => !unwalked.some(({ process, point }) => process === each.process && point === each.point),
    ),
  };
}
