/** How to reach an API server and who to be there: what a kubeconfig comes to. Plain JSON, so that it can pass from one process to another. */
export interface Credentials {
  /** `https://host:6443`, with a path where it has one. */
  readonly server: string;
  /** PEM. Absent: the authorities that Node knows. */
  readonly ca?: string;
  /** PEM, of the client. */
  readonly cert?: string;
  /** PEM, of the client. */
  readonly key?: string;
  /** The name that the server's certificate must have, when it is not that of `server`. */
  readonly servername?: string;
  /** Take whatever certificate the server shows. */
  readonly insecure?: boolean;
  /** Of an HTTP proxy on the way. */
  readonly proxyUrl?: string;
  /** Authorization among them. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Which kubeconfig; undefined: the one that kubectl would take, or the account of the pod that hob runs in. */
export type KubeconfigFile = string | undefined;
