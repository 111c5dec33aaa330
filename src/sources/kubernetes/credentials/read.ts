import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Credentials, KubeconfigFile } from './credentials.ts';

const program = join(import.meta.dirname, 'main.ts');

/** A kubeconfig cannot be used. */
export class KubeconfigFault extends Error {
  override readonly name = 'KubeconfigFault';
}

/** An exec plugin may ask a server somewhere. */
const patienceMs = 60_000;

/**
 * What a kubeconfig comes to, read and logged in with anew.
 * @throws Error in words: no such file, not a kubeconfig, what an exec plugin said
 */
export async function readCredentials(file: KubeconfigFile): Promise<Credentials> {
  // One that is not there yet is looked for again and again, which should cost next to nothing.
  if (file !== undefined && !existsSync(file))
    throw new KubeconfigFault(`kubeconfig ${file} cannot be used: ENOENT: no such file`);
  const argv = ['--disable-warning=ExperimentalWarning', program, ...(file === undefined ? [] : [file])];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'], timeout: patienceMs });
  const [out, err, code] = await Promise.all([textOf(child.stdout), textOf(child.stderr), exitOf(child)]);
  if (code === 0) return JSON.parse(out) as Credentials;
  const what = file === undefined ? 'the kubeconfig cannot be used' : `kubeconfig ${file} cannot be used`;
  throw new KubeconfigFault(`${what}: ${lastLine(err) || `reading it ended with ${code ?? 'a signal'}`}`);
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  stream.setEncoding('utf8');
  for await (const chunk of stream) text += String(chunk);
  return text;
}

const exitOf = (child: ReturnType<typeof spawn>): Promise<number | null> =>
  new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';
