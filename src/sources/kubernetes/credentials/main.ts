import type { RequestOptions } from 'node:https';
import type { Credentials } from './credentials.ts';
import { loadKubeconfig } from './kubeconfig.ts';

/**
 * A program that reads a kubeconfig, logs in as it says (token files, exec plugins, OIDC, certificates), and prints what came of it as JSON.
 *
 * A process of its own, because the library takes 85 MB and does not give them back: hob would be twice as big for something that it
 * needs once an hour.
 */
async function credentials(file: string | undefined): Promise<Credentials> {
  const config = loadKubeconfig(file);
  const cluster = config.getCurrentCluster();
  if (!cluster) throw new Error(`it has no cluster for its current context "${config.getCurrentContext()}"`);
  if (!URL.canParse(cluster.server)) throw new Error(`its server is no URL: ${cluster.server}`);
  if (!config.getCurrentUser())
    throw new Error(`it has no user for its current context "${config.getCurrentContext()}"`);
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  return {
    server: cluster.server,
    ...text('ca', options.ca),
    ...text('cert', options.cert),
    ...text('key', options.key),
    ...(options.servername !== undefined && { servername: options.servername }),
    ...(options.rejectUnauthorized === false && { insecure: true }),
    ...(cluster.proxyUrl && { proxyUrl: cluster.proxyUrl }),
    headers: headersOf(options),
  };
}

const text = (name: 'ca' | 'cert' | 'key', value: unknown): Record<string, string> =>
  typeof value === 'string' || Buffer.isBuffer(value) ? { [name]: value.toString() } : {};

function headersOf({ headers, auth }: RequestOptions): Record<string, string> {
  const given = Object.entries((headers ?? {}) as Record<string, unknown>);
  // A token file ends in a newline, as a rule, and a header must not.
  const clean = given.map(([name, value]) => [name, String(value).trim()] as const);
  const basic = auth ? { Authorization: `Basic ${Buffer.from(auth).toString('base64')}` } : {};
  return { ...basic, ...Object.fromEntries(clean) };
}

try {
  process.stdout.write(JSON.stringify(await credentials(process.argv[2])));
} catch (error) {
  process.stderr.write(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
