import type { IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { WatchLine } from '../api/wire.ts';
import { codeOf } from '../host/errors.ts';
import type { Client } from './client.ts';
import { NotRunning, parseJson } from './client.ts';
import { remark } from './output.ts';

/** What is different now. */
export interface News<Item> {
  /** New, or not as it was. */
  readonly present: readonly Item[];
  /** As it was last seen. */
  readonly gone: readonly Item[];
}

const retryMs = 500;

/**
 * What is there, and then every change of it. When hob ends the watch or goes away, it is watched anew as soon as it is
 * back, and only what is different then is told.
 * @param idOf what stays the same when an object changes
 * @param onLost called when hob went away; it is waited for
 * @throws CliError when hob isn't there at the beginning, or refuses
 */
export async function* watch<Item>(
  client: Client,
  path: string,
  idOf: (object: Item) => string,
  onLost: () => void,
): AsyncGenerator<News<Item>> {
  const known = new Map<string, Item>();
  for (let response = await client.stream('GET', path); ; response = await askAgain(client, path, onLost)) {
    const beginning: Item[] = [];
    let isComplete = false;
    for await (const line of linesOf<WatchLine<Item>>(response)) {
      if (line.type === 'ERROR') break;
      if (line.type === 'BOOKMARK') {
        isComplete = true;
        yield replaceAll(known, beginning, idOf);
      } else if (isComplete) yield replaceOne(known, line, idOf(line.object));
      else beginning.push(line.object);
    }
  }
}

function replaceAll<Item>(
  known: Map<string, Item>,
  objects: readonly Item[],
  idOf: (object: Item) => string,
): News<Item> {
  const before = new Map(known);
  known.clear();
  for (const object of objects) known.set(idOf(object), object);
  return {
    present: objects.filter((object) => JSON.stringify(before.get(idOf(object))) !== JSON.stringify(object)),
    gone: [...before].flatMap(([id, object]) => (known.has(id) ? [] : [object])),
  };
}

function replaceOne<Item>(known: Map<string, Item>, { type, object }: ItemLine<Item>, id: string): News<Item> {
  if (type === 'DELETED') {
    known.delete(id);
    return { present: [], gone: [object] };
  }
  known.set(id, object);
  return { present: [object], gone: [] };
}

type ItemLine<Item> = Extract<WatchLine<Item>, { readonly object: Item }>;

async function askAgain(client: Client, path: string, onLost: () => void): Promise<IncomingMessage> {
  for (let isFirst = true; ; isFirst = false) {
    try {
      return await client.stream('GET', path);
    } catch (error) {
      if (!(error instanceof NotRunning)) throw error;
      if (isFirst) onLost();
      await delay(retryMs);
    }
  }
}

/** Tell people why nothing comes any more. */
export function sayLost(): void {
  remark('hob is gone; waiting for it to come back');
}

/** The lines of JSON of an answer; ends when it does, be it in the middle. */
export async function* linesOf<Line>(response: IncomingMessage): AsyncGenerator<Line> {
  try {
    for await (const text of createInterface({ input: response, crlfDelay: Infinity })) yield parseJson<Line>(text);
  } catch (error) {
    if (!isCutOff(error)) throw error;
  } finally {
    response.destroy();
  }
}

function isCutOff(error: unknown): boolean {
  return error instanceof SyntaxError || codeOf(error) === 'ECONNRESET';
}
