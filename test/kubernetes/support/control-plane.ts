import { generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { assets } from './assets.ts';
import { startBoundProcess } from './bound-process.ts';
import type { BoundProcess } from './bound-process.ts';
import { freePorts } from './free-ports.ts';
import { adminToken, powerlessToken } from './kubeconfig.ts';

const lookAgainMs = 20;

/** A kube-apiserver with its etcd, on loopback. No controller manager: nobody deletes what is in a deleted namespace, or collects garbage. */
export interface ControlPlane {
  readonly url: string;
  /** The certificate that clients trust. */
  readonly authority: string;
  readonly pid: number;
  /** Start the API server, again on the same port and with what etcd has; wait until it is ready. */
  startServer(): Promise<void>;
  endServer(signal: NodeJS.Signals): Promise<void>;
  /** SIGSTOP and SIGCONT: connections stay, and nothing comes of them. */
  suspendServer(): void;
  resumeServer(): void;
  /** Have etcd forget all but the present. The API server remembers some of it in its watch cache for as long as it lives. */
  compactStore(): Promise<void>;
  end(): Promise<void>;
}

/** @param dir a directory of its own; the log of each server is in it */
export async function startControlPlane(dir: string): Promise<ControlPlane> {
  const [storePort = 0, serverPort = 0] = await freePorts(2);
  const storeUrl = `http://127.0.0.1:${storePort}`;
  const url = `https://127.0.0.1:${serverPort}`;
  const authority = join(dir, 'apiserver.crt');
  writeCredentials(dir);
  const store = startStore(dir, storeUrl);
  let server: BoundProcess | undefined;

  async function startServer(): Promise<void> {
    const starting = startServerProcess(dir, storeUrl, serverPort);
    server = starting;
    // For as long as it takes on a busy machine.
    while (!(await isReady(url, authority))) {
      if (!starting.isAlive()) {
        throw new Error(`the API server has ended:\n${starting.lastWords()}\n${store.lastWords()}`);
      }
      await delay(lookAgainMs);
    }
  }

  async function end(): Promise<void> {
    await server?.end('SIGKILL');
    await store.end('SIGKILL');
  }

  await startServer().catch(async (error: unknown) => {
    await end();
    throw error;
  });
  return {
    url,
    authority,
    get pid() {
      return server?.pid ?? 0;
    },
    startServer,
    endServer: async (signal) => server?.end(signal),
    suspendServer: () => server?.signal('SIGSTOP'),
    resumeServer: () => server?.signal('SIGCONT'),
    compactStore: () => compact(storeUrl),
    end,
  };
}

/** What a cluster has of its own: the key with which it signs tokens of service accounts, and who else it knows. */
function writeCredentials(dir: string): void {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  writeFileSync(join(dir, 'service-accounts.key'), privateKey.export({ type: 'pkcs1', format: 'pem' }), {
    mode: 0o600,
  });
  writeFileSync(
    join(dir, 'tokens.csv'),
    `${adminToken},admin,admin,system:masters\n${powerlessToken},nobody,nobody\n`,
    {
      mode: 0o600,
    },
  );
}

/** What it keeps is thrown away in the end, so it need not reach the disk. */
function startStore(dir: string, url: string): BoundProcess {
  const flags = {
    'data-dir': join(dir, 'etcd'),
    'listen-client-urls': url,
    'advertise-client-urls': url,
    'listen-peer-urls': 'http://127.0.0.1:0',
    'unsafe-no-fsync': 'true',
    logger: 'zap',
  };
  // On other processors than amd64 etcd 3.4 wants to be told that this is known.
  return startBoundProcess(assets().etcd, toArguments(flags), {
    log: join(dir, 'etcd.log'),
    env: { ETCD_UNSUPPORTED_ARCH: process.arch },
  });
}

function startServerProcess(dir: string, storeUrl: string, port: number): BoundProcess {
  const issuer = 'https://hob.test';
  const flags = {
    'etcd-servers': storeUrl,
    'bind-address': '127.0.0.1',
    'secure-port': String(port),
    'cert-dir': dir,
    'token-auth-file': join(dir, 'tokens.csv'),
    'authorization-mode': 'RBAC',
    'service-account-key-file': join(dir, 'service-accounts.key'),
    'service-account-signing-key-file': join(dir, 'service-accounts.key'),
    'service-account-issuer': issuer,
    'api-audiences': issuer,
    'service-cluster-ip-range': '10.0.0.0/24',
    // What hob and kubectl do without. It saves a third of the processor time that a start takes.
    'runtime-config': 'api/beta=false,api/alpha=false',
    'enable-priority-and-fairness': 'false',
    profiling: 'false',
  };
  return startBoundProcess(assets()['kube-apiserver'], toArguments(flags), { log: join(dir, 'kube-apiserver.log') });
}

const toArguments = (flags: Record<string, string>): string[] =>
  Object.entries(flags).map(([name, value]) => `--${name}=${value}`);

const isReady = (url: string, authority: string): Promise<boolean> =>
  new Promise((resolve) => {
    // It makes its certificate before it listens.
    const ca = existsSync(authority) ? readFileSync(authority) : undefined;
    if (!ca) return resolve(false);
    const headers = { authorization: `Bearer ${adminToken}` };
    get(`${url}/readyz`, { ca, headers, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    }).once('error', () => resolve(false));
  });

/** etcd speaks JSON as well. */
async function compact(url: string): Promise<void> {
  const ask = async (path: string, question: object): Promise<unknown> => {
    const response = await fetch(`${url}/v3/kv/${path}`, { method: 'POST', body: JSON.stringify(question) });
    if (!response.ok) throw new Error(`etcd answers ${path} with ${response.status}: ${await response.text()}`);
    return response.json();
  };
  const { header } = (await ask('range', { key: btoa('/') })) as { header: { revision: string } };
  await ask('compaction', { revision: header.revision, physical: true });
}
