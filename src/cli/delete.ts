import { setTimeout as delay } from 'node:timers/promises';
import type { Container, ContainerMetadata } from '../api/container.ts';
import { key } from '../api/container.ts';
import { wordsOf } from '../host/errors.ts';
import { duration, parseDuration } from './age.ts';
import { namespaceFlag, parse } from './arguments.ts';
import { CliError, usageError } from './cli-error.ts';
import type { Client } from './client.ts';
import { connectTo, ServerError } from './client.ts';
import { condition } from './container-columns.ts';
import { socketPath } from './directories.ts';
import { containerNames, containersPath } from './names.ts';
import { print, remark } from './output.ts';

export const help = `Delete containers that were made with apply. One that a file of a watched folder declares goes with that file.

Usage:
  hob delete NAME... [flags]
  hob delete -f FILE|FOLDER|- [flags]

Examples:
  hob delete web
  hob delete -f web.yaml
  hob delete web --wait=false    # don't wait until it is gone

Flags:
  -f, --filename FILE      the containers that these specs declare; may be repeated
  -n, --namespace NAME     the namespace of NAMEs (default "default")
      --ignore-not-found   one that isn't there is as good as deleted
      --wait=false         don't wait until they are gone
      --timeout TIME       how long to wait at most: 30s, 2m (default: as long as it takes)
      --run-dir DIR        where the running hob is (default /run/hob, or HOB_RUN_DIR)
`;

type Identity = Pick<ContainerMetadata, 'namespace' | 'name'>;

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parse('delete', args, {
    ...namespaceFlag,
    filename: { type: 'string', short: 'f', multiple: true },
    'ignore-not-found': { type: 'boolean', default: false },
    wait: { type: 'string', default: 'true' },
    timeout: { type: 'string' },
  });
  const { namespace, filename = [], timeout } = values;
  const named = containerNames('delete', positionals).map((name) => ({ namespace, name }));
  if (named.length > 0 === filename.length > 0) throw usageError('delete', 'either names or -f FILE');
  const limit = timeout === undefined ? undefined : parseDuration(timeout);
  if (timeout !== undefined && limit === undefined)
    throw usageError('delete', `--timeout takes a time such as 30s, not "${timeout}"`);
  const client = connectTo(socketPath(values));
  const wanted = filename.length > 0 ? await declaredIn(filename) : named;
  const { deleted, failures } = await deleteAll(client, wanted, values['ignore-not-found']);
  if (values.wait !== 'false') await untilGone(client, deleted, limit);
  return failures > 0 ? 1 : 0;
}

/** @throws CliError when a file has mistakes: what it means is not known then */
async function declaredIn(paths: readonly string[]): Promise<Identity[]> {
  const { formatMistake, parseSpecs } = await import('../api/parse.ts');
  const { readSpecFiles } = await import('./spec-files.ts');
  return readSpecFiles(paths).flatMap(({ origin, text }) => {
    const { containers, mistakes } = parseSpecs(text, origin);
    if (mistakes.length > 0) throw new CliError(mistakes.map(formatMistake).join('\n'), '');
    return containers.map(({ metadata: { namespace, name } }) => ({ namespace, name }));
  });
}

async function deleteAll(
  client: Client,
  wanted: readonly Identity[],
  ignoreMissing: boolean,
): Promise<{ deleted: Container[]; failures: number }> {
  const deleted: Container[] = [];
  let failures = 0;
  for (const { namespace, name } of wanted) {
    try {
      deleted.push(await client.json<Container>('DELETE', containersPath(namespace, name)));
      print(`container.hob.dev "${name}" deleted`);
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      if (error.status.code === 404 && ignoreMissing) continue;
      remark(wordsOf(error));
      failures += 1;
    }
  }
  return { deleted, failures };
}

/** A new container of the same name is another one. */
async function untilGone(client: Client, containers: readonly Container[], limit: number | undefined): Promise<void> {
  const waiting = new Map(containers.map(({ metadata }) => [key(metadata), metadata.uid]));
  if (waiting.size === 0) return;
  const isLate = await Promise.race([
    watchUntilGone(client, waiting),
    ...(limit === undefined ? [] : [delay(limit, true)]),
  ]);
  if (isLate)
    throw new CliError(`timed out after ${duration(limit ?? 0)}: not gone yet: ${[...waiting.keys()].join(', ')}`);
}

/** What is to go is never at rest. */
const isAtRest = (container: Container): boolean => condition(container, 'Reconciling')?.status === 'False';

/** Somebody else declares it as well, and has it now. */
function keepsOn(waiting: Map<string, string | undefined>, { metadata }: Container): void {
  waiting.delete(key(metadata));
  remark(`container "${metadata.name}" stays: it is declared elsewhere, too`);
}

/** Resolves with false, for not late. */
async function watchUntilGone(client: Client, waiting: Map<string, string | undefined>): Promise<false> {
  const { sayLost, watch } = await import('./watch.ts');
  const present = new Map<string, string | undefined>();
  for await (const news of watch<Container>(
    client,
    `${containersPath(undefined)}?watch=1`,
    ({ metadata }) => key(metadata),
    sayLost,
  )) {
    for (const { metadata } of news.gone) present.delete(key(metadata));
    for (const container of news.present) {
      present.set(key(container.metadata), container.metadata.uid);
      if (waiting.has(key(container.metadata)) && isAtRest(container)) keepsOn(waiting, container);
    }
    for (const [name, uid] of waiting) if (!present.has(name) || present.get(name) !== uid) waiting.delete(name);
    if (waiting.size === 0) break;
  }
  return false;
}
