import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
// Of the library only what reads kubeconfigs and logs in.
import { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import { parse } from 'yaml';
import { assertTrustedPath } from '../../../host/trust.ts';

/** The account of the pod that this runs in. */
const podToken = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/**
 * The kubeconfig in a file, or, without one, the one that kubectl would take, or the account of this pod.
 * @throws Error in words
 */
export function loadKubeconfig(file: string | undefined): KubeConfig {
  const config = new KubeConfig();
  const files = file === undefined ? usualFiles() : [file];
  const [first] = files;
  files.forEach(requireTrust);
  if (files.length > 1) config.loadFromDefault();
  else if (first !== undefined) loadFile(config, first);
  else if (existsSync(podToken)) config.loadFromCluster();
  else
    throw new Error(
      'there is none: not in KUBECONFIG, not in ~/.kube/config, and this is no pod; name it with --kubeconfig',
    );
  return config;
}

function usualFiles(): string[] {
  const named = (process.env['KUBECONFIG'] ?? '').split(delimiter).filter((name) => name !== '');
  const usual = join(homedir(), '.kube', 'config');
  return named.length > 0 ? named : existsSync(usual) ? [usual] : [];
}

/** Whoever can write there can have any program run, as an exec plugin. */
function requireTrust(file: string): void {
  const fault = assertTrustedPath(file);
  if (fault) throw new Error(fault);
}

/** Relative paths in it are relative to it, which the library forgets for some. */
function loadFile(config: KubeConfig, file: string): void {
  const text = readFileSync(file, 'utf8');
  process.chdir(dirname(file));
  config.loadFromString(JSON.stringify(withTokenFiles(parse(text, { prettyErrors: false }))));
}

interface File {
  readonly users?: readonly { readonly user?: Readonly<Record<string, unknown>> }[];
}

/** The library knows `tokenFile`, which is what Kubernetes calls it, as `token-file`. */
function withTokenFiles(content: unknown): unknown {
  const { users } = (content ?? {}) as File;
  if (!Array.isArray(users)) return content ?? {};
  const renamed = (users as NonNullable<File['users']>).map((each) =>
    each.user?.['tokenFile'] === undefined
      ? each
      : { ...each, user: { ...each.user, 'token-file': each.user['tokenFile'] } },
  );
  return { ...(content as object), users: renamed };
}
