import type { Fault } from './boundary/plan.ts';

/** What is left out of the walk of failures, and why. All of it is died at, and all of it may hang. */
const cannotFail: readonly { readonly points: RegExp; readonly why: string }[] = [
  { points: /^signal: kill /, why: 'who may send any, as hob may, only ever hears that there is no such process' },
  {
    points: /^hook: receive (loaded|begun)/,
    why: 'a thread that is gone by then may have taken the call, and would not get it again',
  },
  {
    points: /^file: (unlink at src\/host\/files|rmSync at src\/runtime\/(oci\/seccomp-cache|in-place))\.ts/,
    why: 'tidies up after a write that failed: what a second failure leaves goes when hob starts again, as after a death',
  },
];

/** Why a point is not walked with this action; undefined when it is. */
export const whySpared = (action: Fault['action'], point: string): string | undefined =>
  action === 'fail' ? cannotFail.find(({ points }) => points.test(point))?.why : undefined;
