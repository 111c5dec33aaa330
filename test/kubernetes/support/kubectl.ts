import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { dirname, join } from 'node:path';
import { assets } from './assets.ts';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The real kubectl, as one user of one cluster. Only what kubectl 1.20 knows is sure to be there. */
export interface Kubectl {
  /** Answers standard output, throws with standard error. */
  kubectl(...args: string[]): Promise<string>;
  tryKubectl(...args: string[]): Promise<Outcome>;
  /** As `kubectl ... -f -`, with these objects as its input. */
  kubectlWith(objects: readonly object[], ...args: string[]): Promise<string>;
  /** One that goes on by itself, as `kubectl get -w` does. Whoever starts it kills it. */
  spawnKubectl(...args: string[]): ChildProcess;
}

export function kubectlAs(kubeconfig: string): Kubectl {
  // What it knows of a server it caches by address, which clusters of tests have one after the other.
  const general = ['--kubeconfig', kubeconfig, '--cache-dir', join(dirname(kubeconfig), 'kubectl-cache')];

  const run = (args: readonly string[], input = ''): Promise<Outcome> =>
    new Promise((resolve) => {
      const options = { encoding: 'utf8', maxBuffer: 1 << 28 } as const;
      const child = execFile(assets().kubectl, [...general, ...args], options, (error, stdout, stderr) =>
        resolve({ code: error ? Number(child.exitCode ?? -1) : 0, stdout, stderr }),
      );
      // It may end before it has read any of it.
      child.stdin?.on('error', () => undefined).end(input);
    });

  const succeed = async (args: readonly string[], input?: string): Promise<string> => {
    const { code, stdout, stderr } = await run(args, input);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: exit code ${code}: ${stderr}`);
    return stdout;
  };

  return {
    kubectl: (...args) => succeed(args),
    tryKubectl: (...args) => run(args),
    kubectlWith: (items, ...args) => succeed([...args, '-f', '-'], asInput(items)),
    spawnKubectl: (...args) => spawn(assets().kubectl, [...general, ...args], { stdio: ['ignore', 'pipe', 'pipe'] }),
  };
}

const asInput = (items: readonly object[]): string =>
  JSON.stringify(items.length === 1 ? items[0] : { apiVersion: 'v1', kind: 'List', items });
