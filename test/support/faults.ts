import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Container } from '../../src/api/container.ts';
import type { HookPoint } from '../../src/hooks/plugin.ts';
import { untilTrue } from './hob.ts';
import type { TestHob } from './hob.ts';

/** A line of the log that tells an event. */
interface ToldEvent {
  readonly time: string;
  readonly container?: string;
  readonly file?: string;
  readonly source?: string;
  readonly reason?: string;
  readonly msg: string;
}

/** Every event so far, from the log: it has what `hob events` has, without a process for each look. */
export const eventsOf = (hob: TestHob): ToldEvent[] =>
  hob
    .output()
    .split('\n')
    .slice(0, -1)
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as ToldEvent);

/** Wait for an event with this reason about an object (`default/NAME`, or a path) whose message matches. */
export async function untilEvent(hob: TestHob, about: string, reason: string, message: RegExp): Promise<void> {
  const isIt = ({ container, file, source, reason: why, msg }: ToldEvent): boolean =>
    [container, file, source].includes(about) && why === reason && message.test(msg);
  await untilTrue(
    `there is an event ${reason} about ${about} that says ${message}`,
    () => eventsOf(hob).some(isIt),
    () => hob.output().slice(-4000),
  );
}

/** A file in the watched folder, renamed in. */
export function put(hob: TestHob, file: string, text: string | Buffer, mode = 0o644): string {
  const [beside, path] = [join(hob.dir, 'beside'), join(hob.watch, file)];
  writeFileSync(beside, text);
  chmodSync(beside, mode);
  renameSync(beside, path);
  return path;
}

/** A plugin that is a shell script; `hooks` are the branches of its `case`. Its calls are noted in `DIR/calls`, a line each. */
export function putShellPlugin(hob: TestHob, name: string, hookHints: number, hooks: string): void {
  const script = `#!/bin/sh
case $1 in describe) echo '{"name":"${name}","hookHints":${hookHints}}'; exit;; esac
read -r call || true
echo "${name} $1 begin $(printf '%s' "$call" | sed -n 's/.*"attempt":\\([0-9]*\\).*/\\1/p')" >>${hob.dir}/calls
case $1 in
${hooks}
esac
echo "${name} $1 end" >>${hob.dir}/calls
`;
  const beside = join(hob.dir, 'plugin.new');
  writeFileSync(beside, script);
  chmodSync(beside, 0o755);
  renameSync(beside, join(hob.plugins, name));
}

/** A plugin that is an ES module, with the body of its default export. */
export function putModulePlugin(hob: TestHob, name: string, body: string): void {
  const beside = join(hob.dir, 'plugin.new');
  writeFileSync(beside, `export default { name: '${name}', ${body} };\n`);
  renameSync(beside, join(hob.plugins, `${name}.mjs`));
}

/** The calls that shell plugins noted. */
export function callsOf(hob: TestHob): string[] {
  const path = join(hob.dir, 'calls');
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
}

export const untilCalled = (hob: TestHob, call: string): Promise<void> =>
  untilTrue(
    `the hook was called: ${call}`,
    () => callsOf(hob).includes(call),
    () => callsOf(hob).join('\n'),
  );

/** Until hob knows how the hook went: one that is killed before calls it again. The container has one plugin. */
export const untilHookEnded = (hob: TestHob, name: string, point: HookPoint): Promise<unknown> =>
  hob.until(name, `has had its ${point}`, (one) =>
    ['ok', 'failed'].includes(one?.status?.hooks?.[point]?.at(-1)?.outcome ?? ''),
  );

/** Until its trap for TERM is set: what is sent to the first process of a container before that is lost. */
export const untilHears = (pid: number): Promise<void> =>
  untilTrue(`process ${pid} has its trap`, () => {
    const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? '0';
    return (BigInt(`0x${caught}`) & (1n << 14n)) !== 0n;
  });

export const keeperOf = (hob: TestHob): number => Number(readFileSync(join(hob.dir, 'run/keeper.pid'), 'utf8'));

/** Every hook of a plugin that was begun, with its attempt: `preStart 1`. */
export const hooksBegun = (hob: TestHob, plugin: string): string[] =>
  callsOf(hob).flatMap((line) => {
    const [, name, point, attempt] = /^(\S+) (\S+) begin (\d+)$/.exec(line) ?? [];
    return name === plugin ? [`${point} ${attempt}`] : [];
  });

export const untilHooksBegun = (hob: TestHob, plugin: string, count: number): Promise<void> =>
  untilTrue(
    `${count} hooks of ${plugin} have begun`,
    () => hooksBegun(hob, plugin).length >= count,
    () => hooksBegun(hob, plugin).join('\n'),
  );

/** Until its second instance runs, with its postStart begun: one that goes before gets none. Its plugin has its name, and notes every hook. */
export async function untilRunsAgain(hob: TestHob, name: string): Promise<Container | undefined> {
  const isBack = (one?: Container): boolean => one?.status?.phase === 'Running' && one.status.restartCount === 1;
  const again = await hob.until(name, 'runs again', isBack);
  await untilHooksBegun(hob, name, 8);
  return again;
}

/** The hooks of an instance that nothing happened to. */
export const everyHookOnce = ['postConstruction 1', 'preStart 1', 'postStart 1', 'postStop 1', 'preDestruction 1'];
