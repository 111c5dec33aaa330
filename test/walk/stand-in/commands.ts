import fc from 'fast-check';
import type { HookPoint } from '../../../src/hooks/plugin.ts';
import { hookPoints } from '../../../src/hooks/plugin.ts';
import { pluginNames, names, sources, type Name, type SourceName, type Wish } from './wishes.ts';
import type { Fate, World } from './world.ts';

/** What can happen in a walk, as plain data: so that a walk can be written down, cut shorter and run again. */
export type Command =
  | { readonly do: 'declare'; readonly name: Name; readonly wish: Wish }
  | { readonly do: 'change'; readonly name: Name; readonly change: Partial<Wish> }
  | { readonly do: 'withdraw' | 'spoil' | 'mend'; readonly name: Name }
  /** Its init is killed, for lack of memory or by somebody. */
  | { readonly do: 'kill'; readonly name: Name; readonly oom: boolean }
  | { readonly do: 'fate'; readonly name: Name; readonly fate: Fate }
  /** Calls to crun or the keeper fail so often. */
  | { readonly do: 'refuse'; readonly call: string; readonly times: number }
  | { readonly do: 'hook'; readonly fault: World['hookFaults'][number] }
  | { readonly do: 'plugin'; readonly plugin: string; readonly present: boolean }
  | { readonly do: 'source'; readonly source: SourceName; readonly readable: boolean }
  | { readonly do: 'disk'; readonly full: boolean }
  | { readonly do: 'rootfs'; readonly name: Name; readonly missing: boolean }
  | { readonly do: 'clock'; readonly hours: 1 | -1 }
  /** The host is busy: calls to crun and the keeper, and every step of crun itself, take longer. */
  | { readonly do: 'latency'; readonly ms: number }
  | { readonly do: 'pass'; readonly ms: number }
  /** hob is killed at its so-manieth effect from now; the next ones, too, counted from their beginning. */
  | { readonly do: 'die'; readonly gates: readonly number[] }
  | { readonly do: 'reboot' | 'stop' };

export interface Walk {
  readonly commands: readonly Command[];
}

const name = fc.constantFrom(...names);
const plugin = fc.constantFrom(...pluginNames);
const plugins = fc.oneof(
  { weight: 2, arbitrary: fc.constant([]) },
  {
    weight: 3,
    arbitrary: fc.uniqueArray(fc.record({ name: plugin, required: fc.boolean() }), { selector: (use) => use.name }),
  },
);
const command = fc.constantFrom(
  ['serve'],
  ['serve', 'otherwise'],
  ['deaf'],
  ['job', '0', '2000'],
  ['job', '3', '2000'],
  ['job', '0', '0'],
  ['job', '4', '90000'],
  ['missing'],
);
const policy = fc.constantFrom('Always', 'OnFailure', 'Never');
const state = fc.constantFrom('Running', 'Running', 'Running', 'Paused', 'Stopped');
const memory = fc.constantFrom(undefined, '32Mi', '64Mi');
const wish: fc.Arbitrary<Wish> = fc.record({ command, policy, state, memory, plugins });
const change: fc.Arbitrary<Partial<Wish>> = fc.oneof(
  fc.record({ command }),
  fc.record({ policy }),
  fc.record({ state }),
  fc.record({ memory }),
  fc.record({ plugins }),
);
const calls = [
  'answerPreStart',
  'crun delete',
  'end of processes',
  'kill',
  'list',
  'pause',
  'release',
  'resume',
  'shell',
  'update',
];
const hookFault: fc.Arbitrary<World['hookFaults'][number]> = fc.record({
  plugin,
  point: fc.constantFrom<HookPoint>(...hookPoints),
  kind: fc.constantFrom('fail', 'throw', 'hang', 'deaf', 'slow'),
  times: fc.integer({ min: 1, max: 3 }),
});
const gates = fc.array(fc.oneof(fc.nat({ max: 12 }), fc.nat({ max: 80 })), { minLength: 1, maxLength: 4 });

const weighted = (weight: number, arbitrary: fc.Arbitrary<Command>) => ({ weight, arbitrary });
const step = fc.oneof<fc.WeightedArbitrary<Command>[]>(
  weighted(5, fc.record({ do: fc.constant('declare'), name, wish })),
  weighted(5, fc.record({ do: fc.constant('change'), name, change })),
  weighted(2, fc.record({ do: fc.constantFrom('withdraw'), name })),
  weighted(1, fc.record({ do: fc.constantFrom('spoil', 'mend'), name })),
  weighted(2, fc.record({ do: fc.constant('kill'), name, oom: fc.boolean() })),
  weighted(
    2,
    fc.record({ do: fc.constant('fate'), name, fate: fc.constantFrom('beforeInit', 'afterInit', 'slow', 'endless') }),
  ),
  weighted(
    2,
    fc.record({ do: fc.constant('refuse'), call: fc.constantFrom(...calls), times: fc.integer({ min: 1, max: 4 }) }),
  ),
  weighted(3, fc.record({ do: fc.constant('hook'), fault: hookFault })),
  weighted(2, fc.record({ do: fc.constant('plugin'), plugin, present: fc.boolean() })),
  weighted(1, fc.record({ do: fc.constant('source'), source: fc.constantFrom(...sources), readable: fc.boolean() })),
  weighted(1, fc.record({ do: fc.constant('disk'), full: fc.boolean() })),
  weighted(1, fc.record({ do: fc.constant('rootfs'), name, missing: fc.boolean() })),
  weighted(1, fc.record({ do: fc.constant('clock'), hours: fc.constantFrom(1, -1) })),
  weighted(2, fc.record({ do: fc.constant('latency'), ms: fc.constantFrom(0, 1, 40, 2500) })),
  weighted(
    9,
    fc.record({ do: fc.constant('pass'), ms: fc.constantFrom(0, 1, 4, 9, 15, 60, 600, 2500, 12_000, 400_000) }),
  ),
  weighted(8, fc.record({ do: fc.constant('die'), gates })),
  weighted(1, fc.record({ do: fc.constantFrom('reboot', 'stop') })),
);

/** A walk begins with something to do. */
export const walks: fc.Arbitrary<Walk> = fc
  .tuple(
    fc.record({ do: fc.constant('declare'), name, wish }) as fc.Arbitrary<Command>,
    fc.array(step, { minLength: 2, maxLength: 30 }),
  )
  .map(([first, rest]) => ({ commands: [first, ...rest] }));
