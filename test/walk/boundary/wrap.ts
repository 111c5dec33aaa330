import type { Mark } from './plan.ts';
import { happensAt, sleep } from './plan.ts';
import { callSite } from './site.ts';

/** How one kind of effect is named, and how it fails. */
export interface Kind<Args extends readonly unknown[]> {
  /** `file: mkdirSync`; undefined when this call changes nothing. */
  readonly name: (args: Args) => string | undefined;
  readonly detail: (args: Args) => string;
  /** Whether the place in the code belongs to the name. */
  readonly sited: boolean;
  readonly error: (name: string) => Error;
}

/** Longer than any call should take: a disk that is slow. */
const hangMs = 1500;

/** An effect that is done when the call returns. */
export function wrapSync<Args extends readonly unknown[], Result>(
  kind: Kind<Args>,
  run: (...args: Args) => Result,
): (...args: Args) => Result {
  return (...args) => {
    const mark = markOf(kind, args);
    if (!mark) return run(...args);
    stand({ ...mark, phase: 'before' }, kind);
    const result = inside(() => run(...args));
    stand({ ...mark, phase: 'after' }, kind);
    return result;
  };
}

/** An effect that is done when its promise is fulfilled. */
export function wrapAsync<Args extends readonly unknown[], Result>(
  kind: Kind<Args>,
  run: (...args: Args) => Promise<Result>,
): (...args: Args) => Promise<Result> {
  return async (...args) => {
    const mark = markOf(kind, args);
    if (!mark) return run(...args);
    await standAsync({ ...mark, phase: 'before' }, kind);
    const result = await inside(() => run(...args));
    await standAsync({ ...mark, phase: 'after' }, kind);
    return result;
  };
}

/** Node carries some out by others, which are no effects of their own. */
let depth = 0;
function inside<Result>(run: () => Result): Result {
  depth += 1;
  try {
    return run();
  } finally {
    depth -= 1;
  }
}

function markOf<Args extends readonly unknown[]>(
  kind: Kind<Args>,
  args: Args,
): Pick<Mark, 'point' | 'detail'> | undefined {
  const name = depth > 0 ? undefined : kind.name(args);
  const site = name === undefined ? undefined : callSite();
  if (name === undefined || site === undefined) return undefined;
  return { point: kind.sited ? `${name} at ${site}` : name, detail: kind.detail(args) };
}

function stand<Args extends readonly unknown[]>(mark: Mark, kind: Kind<Args>): void {
  const fate = happensAt(mark);
  if (fate === 'fail') throw kind.error(mark.point);
  if (fate === 'hang') sleep(hangMs);
}

async function standAsync<Args extends readonly unknown[]>(mark: Mark, kind: Kind<Args>): Promise<void> {
  const fate = happensAt(mark);
  if (fate === 'fail') throw kind.error(mark.point);
  if (fate === 'hang') await new Promise(() => undefined);
}
