import type { Container } from '../../api/container.ts';
import type {
  ApplyResult,
  ContainerChange,
  DownProgress,
  ExecAnswer,
  ExecRequest,
  HobInfo,
  PluginInfo,
  SourceInfo,
} from '../../api/wire.ts';
import type { JournalEvent } from '../../journal/journal.ts';

/** Where the output of one instance of a container is to be read, or the records that a plugin keeps of it. */
export interface LogSource {
  readonly path: string;
  readonly maxFiles: number;
  /** More may come: it is the present instance and has not ended. */
  readonly live: boolean;
}

/**
 * What the API server needs of hob. Objects handed out are not changed afterwards. What cannot be done is thrown as an
 * `ApiError`; any other error is answered as an internal one. `get` has said that the container is there before
 * `logSource`, `recordSource` and `execCommand` are asked.
 */
export interface ApiBackend {
  list(namespace?: string): readonly Container[];
  get(namespace: string, name: string): Container | undefined;
  /** Tell of every change from now on. The listener is quick and does not throw. Returns how to stop. */
  watch(listener: (change: ContainerChange) => void): () => void;

  events(filter: { readonly namespace?: string; readonly name?: string }): readonly JournalEvent[];
  watchEvents(listener: (event: JournalEvent) => void): () => void;

  logSource(namespace: string, name: string, options: { readonly previous: boolean }): LogSource;
  /** Where the records are that a plugin keeps of a container: a line of JSON each. With `follow`, there need not be any yet. */
  recordSource(namespace: string, name: string, plugin: string, options: { readonly follow: boolean }): LogSource;
  execCommand(namespace: string, name: string, request: ExecRequest): Promise<ExecAnswer> | ExecAnswer;

  /** @param origin what the text came from, for messages: a file's name, `-` */
  apply(text: string, origin: string): Promise<readonly ApplyResult[]>;
  /** Stop wanting a container; its teardown goes on afterwards. Refused when a watched source declares it. */
  remove(namespace: string, name: string): Promise<void>;

  plugins(): readonly PluginInfo[];
  /** Why there is no plugin of that name, in words. */
  whyNoPlugin(name: string): string;
  sources(): readonly SourceInfo[];
  info(): HobInfo;
  /** Tear down every container, telling how it goes; hob ends after the last line. Goes on when nobody listens any more. */
  down(): AsyncIterable<DownProgress>;
}

/** A request that cannot be met, and how to say so. */
export class ApiError extends Error {
  /** The HTTP status. */
  readonly code: number;
  /** CamelCase, as Kubernetes names it. */
  readonly reason: string;

  constructor(code: number, reason: string, message: string) {
    super(message);
    this.code = code;
    this.reason = reason;
  }
}

export function badRequest(message: string): ApiError {
  return new ApiError(400, 'BadRequest', message);
}

/** The container is not there, in kubectl's words. */
export function containerNotFound(name: string): ApiError {
  return new ApiError(404, 'NotFound', `containers "${name}" not found`);
}

/** Something about the container stands against it: it is declared elsewhere, it does not run. */
export function conflict(message: string): ApiError {
  return new ApiError(409, 'Conflict', message);
}
