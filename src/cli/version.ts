import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HobInfo } from '../api/wire.ts';
import { parse } from './arguments.ts';
import { connectTo, NotRunning, parseJson } from './client.ts';
import { socketPath } from './directories.ts';
import { print } from './output.ts';

export const help = `Show the version of this command and of the hob that runs.

Usage:
  hob version [--run-dir DIR]
`;

export async function run(args: string[]): Promise<number> {
  const { values } = parse('version', args, {});
  print(`hob:     ${ownVersion()} (Node ${process.versions.node})`);
  print(`running: ${await runningVersion(socketPath(values))}`);
  return 0;
}

function ownVersion(): string {
  const file = join(import.meta.dirname, '../../package.json');
  return parseJson<{ version: string }>(readFileSync(file, 'utf8')).version;
}

async function runningVersion(socket: string): Promise<string> {
  try {
    const { version, pid, node } = await connectTo(socket).json<HobInfo>('GET', '/info');
    return `${version} (pid ${pid}, on ${node})`;
  } catch (error) {
    if (error instanceof NotRunning) return `none (no hob answers at ${socket})`;
    throw error;
  }
}
