/** The way from the root of a document to a value in it: names of fields and indexes of lists. */
export type Path = readonly (string | number)[];

/** Whether one of two paths leads into what the other leads to. */
export function overlap(one: Path, other: Path): boolean {
  return one.slice(0, other.length).every((segment, index) => segment === other[index]);
}

/** Something wrong with a value, before it is known on which line it stands. */
export interface Finding {
  readonly path: Path;
  /** What to point at: the name of the field, its value, or, for what is missing, the thing it is missing in. */
  readonly at: 'key' | 'value' | 'parent';
  readonly message: string;
}

/** An object with fields, as JSON and YAML make them. */
export type Fields = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `spec.env[0].name`; names that are no plain words in brackets: `spec.sysctls["net.core.somaxconn"]`. */
export function pathText(path: Path): string {
  return path.map(segmentText).join('').replace(/^\./, '');
}

function segmentText(segment: string | number): string {
  if (typeof segment === 'number') return `[${segment}]`;
  return /^[A-Za-z_][A-Za-z0-9_-]{0,99}$/.test(segment) ? `.${segment}` : `[${quoted(segment, 100)}]`;
}

/** A text in quotes on one line, with an ellipsis when there is more of it. */
export function quoted(text: string, length = 40): string {
  return JSON.stringify(text.length <= length ? text : `${text.slice(0, length)}…`);
}

/** A value in a few words, for "found ...". Of a secret only its kind. */
export function described(value: unknown, secret: boolean): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return secret ? 'a number' : `the number ${value}`;
  if (typeof value === 'string') return secret ? 'a string' : quoted(value);
  return 'an object';
}

/** Whether a value at this place of a Container must not be shown: environment variables often hold passwords. */
export function isSecret(path: Path): boolean {
  return path[0] === 'spec' && path[1] === 'env';
}
