import type { Container } from '../../api/container.ts';
import type { SourceSink } from '../source.ts';
import type { ContainerResource } from './resource.ts';
import type { ResourceWrites } from './writes.ts';

/** What the rest of hob has of a key. */
export interface Here {
  /** Its container, if it came from the API server. */
  readonly container?: Container | undefined;
  /** Where else on this node the name is declared, and was first. */
  readonly rival?: string | undefined;
}

export interface ResourcesOptions {
  readonly node: string;
  readonly writes: ResourceWrites;
  readonly sink: Pick<SourceSink, 'declare' | 'withdraw'>;
  readonly look: (key: string) => Here;
  /** The keys of all containers that came from the API server. */
  readonly held: () => readonly string[];
  /** nodeName and nodeSelector are for this node. */
  readonly isMeant: (resource: ContainerResource) => boolean;
  /** Told of a write that the server does not take, once for each way it fails. */
  readonly onWriteFault: (key: string, message: string) => void;
  /** What is declared was not there to be written to: all is to be read anew. */
  readonly onMissing: () => void;
  /** Its spec names this node, and another node still has it, for so long. */
  readonly onWaiting: (resource: ContainerResource, other: string) => void;
  readonly pace?: { readonly statusMs: number; readonly unsettledMs: number; readonly waitingMs: number };
}
