import type { Container } from '../api/container.ts';
import type { Client } from './client.ts';
import type { OutputFormat } from './output.ts';
import type { Column } from './table.ts';

/** What is to be shown, and how. */
export interface Question {
  readonly client: Client;
  /** Undefined: all. */
  readonly namespace: string | undefined;
  readonly names: readonly string[];
  readonly selector: string | undefined;
  readonly format: OutputFormat | undefined;
  readonly columns: readonly Column<Container>[];
  readonly titles: boolean;
}
