import { readFileSync, renameSync, writeFileSync } from 'node:fs';

/** May do everything: for what a cluster's owner does in tests. */
export const adminToken = 'admin-token';
/** Of somebody whom the cluster knows, and who may do nothing. */
export const powerlessToken = 'powerless-token';

export type Credentials = { token: string } | { tokenFile: string };

/** Write the file with which kubectl and hob find a cluster. JSON is YAML as well. */
export function writeKubeconfig(
  path: string,
  { url, authority }: { url: string; authority: string },
  user: Credentials,
): void {
  const cluster = { server: url, 'certificate-authority-data': readFileSync(authority).toString('base64') };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster }],
    users: [{ name: 'test', user }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  };
  // Other test files read that of the cluster that they share.
  writeFileSync(`${path}.${process.pid}`, JSON.stringify(config, null, 2), { mode: 0o600 });
  renameSync(`${path}.${process.pid}`, path);
}
