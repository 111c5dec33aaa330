import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hookMode } from '../../src/hooks/hint-flags.ts';
import { type HookPoint, hookPoints } from '../../src/hooks/plugin.ts';
import { type TestHob, untilTrue } from './hob.ts';

/**
 * What a traced plugin does at a hook point for a container: `data: { preStart: 'fail' }`. A list of plugin names makes it wait there
 * until these have begun. Nothing: it answers true.
 */
export type Behaviour = 'fail' | 'throw' | 'number' | 'never' | 'block' | 'die' | 'wait' | 'pause' | readonly string[];
export type Behaviours = Partial<Record<HookPoint, Behaviour>>;

/** One call of one hook, as its plugin saw it. */
export interface TracedCall {
  readonly plugin: string;
  readonly point: HookPoint;
  readonly id: string;
  readonly instanceID: string;
  readonly attempt: number;
  readonly pid?: number;
  readonly rootfsPath: string;
  readonly data: unknown;
  /** The number of its line in the one file that all plugins append to: what is noted later has a greater one. */
  readonly beganAt: number;
  /** The same. Undefined while it runs, and for ever when it was cut off. */
  readonly endedAt?: number;
  /** How long a module was in it, by its own clock, once it has ended. */
  readonly tookMs?: number;
  /** What the plugin's own lines noted, by name. */
  readonly noted: Readonly<Record<string, unknown>>;
}

interface Line {
  readonly what: 'begin' | 'end' | 'note';
  readonly plugin: string;
  readonly point: HookPoint;
  readonly call: Omit<TracedCall, 'plugin' | 'point' | 'beganAt' | 'endedAt' | 'tookMs' | 'noted'>;
  readonly tookMs?: number;
  readonly noted?: Record<string, unknown>;
}

export const hints = { sync: 0x1f, async: 0x1f0000 } as const;

const traceOf = (hob: TestHob): string => join(hob.dir, 'trace');
const gateOf = (hob: TestHob, container: string): string => join(hob.dir, `open-${container}`);

/**
 * Put a plugin, an ES module, into hob's folder: it notes the beginning and the end of each call, and behaves as its data says. `bodies`
 * are statements that come first at a point, with `id, startState, pid, rootfsPath, data, context, note` at hand; `fs` has node:fs.
 */
export function putTraced(
  hob: TestHob,
  name: string,
  hookHints: number,
  bodies: Partial<Record<HookPoint, string>> = {},
): void {
  const methods = hookPoints
    .filter((point) => hookMode(hookHints, point) !== 'none')
    .map((point) => {
      const own = `async (note) => { ${bodies[point] ?? ''} }`;
      return `${point}(${parametersOf(point)}) { return hook('${point}', { id, ${hasPid(point) ? 'pid, ' : ''}rootfsPath, data, attempt: context.attempt, instanceID: context.instanceID }, ${own}); }`;
    });
  const text = `${modulePrelude(hob, name)}
export default { name: '${name}', hookHints: ${hookHints},
  ${methods.join(',\n  ')},
};
`;
  place(hob, `${name}.mjs`, text, 0o644);
}

/** The same as a shell script; it knows `fail`, `never`, `die`, `wait` and `pause`. `branches` are those of a `case` on the hook point, run first. */
export function putTracedScript(hob: TestHob, name: string, hookHints: number, branches = ''): void {
  place(hob, name, script(hob, name, hookHints, branches), 0o755);
}

function place(hob: TestHob, file: string, text: string, mode: number): void {
  const beside = join(hob.dir, 'plugin.new');
  writeFileSync(beside, text);
  chmodSync(beside, mode);
  renameSync(beside, join(hob.plugins, file));
}

const hasPid = (point: HookPoint): boolean => point === 'preStart' || point === 'postStart';

function parametersOf(point: HookPoint): string {
  const second = point === 'postConstruction' ? ['startState'] : hasPid(point) ? ['pid'] : [];
  return ['id', ...second, 'rootfsPath', 'data', 'context'].join(', ');
}

const modulePrelude = (hob: TestHob, name: string): string => `
import * as fs from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
const trace = ${JSON.stringify(traceOf(hob))};
const write = (line) => fs.appendFileSync(trace, JSON.stringify({ plugin: '${name}', ...line }) + '\\n');
const lines = () => fs.readFileSync(trace, 'utf8').split('\\n').slice(0, -1).map((line) => JSON.parse(line));
const hasBegun = (plugin, point, { instanceID }) =>
  lines().some((line) => line.what === 'begin' && line.plugin === plugin && line.point === point && line.call.instanceID === instanceID);
const behaviours = {
  fail: () => false,
  throw: () => { throw new Error('no luck'); },
  number: () => 42,
  never: () => new Promise(() => {}),
  block: () => { for (;;); },
  die: () => process.exit(3),
  pause: () => delay(40, true),
  wait: async (point, { id }) => { while (!fs.existsSync(${JSON.stringify(join(hob.dir, 'open-'))} + id)) await delay(10); return true; },
};
async function behave(how, point, call) {
  if (!Array.isArray(how)) return how === undefined ? true : behaviours[how](point, call);
  for (const plugin of how) while (!hasBegun(plugin, point, call)) await delay(5);
  return true;
}
async function hook(point, call, own) {
  write({ what: 'begin', point, call });
  const begun = performance.now();
  try {
    await own((noted) => write({ what: 'note', point, call, noted }));
    return await behave(call.data?.[point], point, call);
  } finally {
    write({ what: 'end', point, call, tookMs: performance.now() - begun });
  }
}
`;

const script = (hob: TestHob, name: string, hookHints: number, branches: string): string => `#!/bin/sh
[ "$1" = describe ] && { echo '{"name":"${name}","hookHints":${hookHints}}'; exit; }
read -r call
id=$(printf '%s' "$call" | sed 's/^{"id":"\\([^"]*\\)".*/\\1/')
pid=$(printf '%s' "$call" | sed -n 's/.*"pid":\\([0-9]*\\).*/\\1/p')
rootfs=$(printf '%s' "$call" | sed 's/.*"rootfsPath":"\\([^"]*\\)".*/\\1/')
attempt=$(printf '%s' "$call" | sed 's/.*"attempt":\\([0-9]*\\).*/\\1/')
write() { # WHAT POINT [MORE]
  printf '{"what":"%s","plugin":"${name}","point":"%s","call":%s%s}\\n' "$1" "$2" "$call" "$3" >>${traceOf(hob)}
}
note() { write note "$point" ",\\"noted\\":$1"; }
point=$1
write begin "$point"
case $point in
${branches}
esac
how=$(printf '%s' "$call" | sed -n "s/.*\\"$point\\":\\"\\([a-z]*\\)\\".*/\\1/p")
status=0
case $how in
fail) status=1 ;;
never) sleep 4321 ;;
die) kill -9 $$ ;;
pause) sleep 0.04 ;;
wait) while [ ! -e ${join(hob.dir, 'open-')}"$id" ]; do sleep 0.02; done ;;
esac
write end "$point"
exit $status
`;

/** Let the hooks of a container that wait go on, and those that come. */
export const openGate = (hob: TestHob, container: string): void => writeFileSync(gateOf(hob, container), '');

/** In the order in which they were written, each with its number: every one is appended whole, before the plugin goes on. */
function linesOf(hob: TestHob): (Line & { readonly at: number })[] {
  if (!existsSync(traceOf(hob))) return [];
  const lines = readFileSync(traceOf(hob), 'utf8').split('\n').slice(0, -1);
  return lines.map((line, at) => ({ ...(JSON.parse(line) as Line), at }));
}

/** The hook calls of a container's first instance (or of another), in the order in which they began. */
export function callsOf(hob: TestHob, container: string, instance = 1): TracedCall[] {
  const lines = linesOf(hob).filter(({ call }) => call.id === container && call.instanceID.endsWith(`-${instance}`));
  const isSame = (a: Line, b: Line): boolean =>
    a.plugin === b.plugin && a.point === b.point && a.call.attempt === b.call.attempt;
  return lines.flatMap((line) => {
    if (line.what !== 'begin') return [];
    const { plugin, point, call, at } = line;
    const rest = lines.filter((other) => isSame(line, other));
    const { at: endedAt, tookMs } = rest.find(({ what }) => what === 'end') ?? {};
    const noted = Object.assign({}, ...rest.map((other) => other.noted ?? {})) as Record<string, unknown>;
    return [
      {
        plugin,
        point,
        ...call,
        beganAt: at,
        ...(endedAt !== undefined && { endedAt }),
        ...(tookMs !== undefined && { tookMs }),
        noted,
      },
    ];
  });
}

/** `plugin point` for each call, in the order in which they began; of one plugin only the points. */
export const storyOf = (hob: TestHob, container: string, plugin?: string, instance = 1): string[] =>
  callsOf(hob, container, instance)
    .filter((call) => plugin === undefined || call.plugin === plugin)
    .map((call) => (plugin === undefined ? `${call.plugin} ${call.point}` : call.point));

export function callOf(hob: TestHob, container: string, plugin: string, point: HookPoint): TracedCall {
  const found = callsOf(hob, container).find((call) => call.plugin === plugin && call.point === point);
  if (!found) throw new Error(`${plugin} was not called at ${point} of ${container}`);
  return found;
}

/** Wait until a hook of a container's first instance has begun (or ended). */
export const untilHook = (
  hob: TestHob,
  container: string,
  plugin: string,
  point: HookPoint,
  what: 'begun' | 'ended' = 'ended',
): Promise<void> =>
  untilTrue(
    `${plugin} has ${what} ${point} of ${container}`,
    () =>
      callsOf(hob, container).some(
        (call) => call.plugin === plugin && call.point === point && (what === 'begun' || call.endedAt !== undefined),
      ),
    () => `${storyOf(hob, container).join('\n')}\n${hob.output().slice(-3000)}`,
  );

/** Whether there was a moment at which both ran: each began before the other ended. */
export const overlap = (a: TracedCall, b: TracedCall): boolean =>
  a.beganAt < (b.endedAt ?? Infinity) && b.beganAt < (a.endedAt ?? Infinity);

/** Whether each had ended when the next began. */
export const oneByOne = (calls: readonly TracedCall[]): boolean =>
  calls.every((call, index) => {
    const next = calls[index + 1];
    return next === undefined || (call.endedAt ?? Infinity) <= next.beganAt;
  });
