/** A message between hob and the API server, as far as it can be told from others of its kind in every run. */
export interface MessageName {
  /** `PATCH finalizers`, `PATCH status Running`, `POST event Started`, `GET containers`, `WATCH containers`, `line MODIFIED`. */
  readonly what: string;
  /** The name of the Container that it is about; undefined: of none in particular. */
  readonly about?: string | undefined;
}

interface Body {
  readonly metadata?: { readonly finalizers?: readonly string[] };
  readonly status?: { readonly phase?: string; readonly nodeName?: string | null };
  readonly reason?: string;
  readonly involvedObject?: { readonly name?: string };
}

export function requestName(method: string, target: string, text: string): MessageName {
  const { pathname, searchParams } = new URL(target, 'http://of.no.matter');
  const body = (text === '' ? {} : JSON.parse(text)) as Body;
  const inNamespace = pathname.replace(/\/namespaces\/[^/]+(?=\/)/, '');
  const [, plural = pathname, name, subresource] = /\/([a-z]+s)(?:\/([^/]+))?(?:\/(\w+))?$/.exec(inNamespace) ?? [];
  if (searchParams.has('watch')) return { what: `WATCH ${plural}` };
  if (plural === 'containers' && name) return { what: `${method} ${partOf(subresource, body)}`, about: name };
  // An event is called after its container, with a random part.
  const about = plural === 'events' ? (body.involvedObject?.name ?? name?.replace(/\.[0-9a-f-]+$/, '')) : undefined;
  return { what: [method, plural, body.reason].filter(Boolean).join(' '), about };
}

function partOf(subresource: string | undefined, { metadata, status }: Body): string {
  if (subresource === undefined) return metadata?.finalizers === undefined ? 'container' : 'finalizers';
  const words = [subresource, status?.phase, status?.nodeName === null && 'released', status?.nodeName && 'claimed'];
  return words.filter(Boolean).join(' ');
}

/** Of a line of a watch; undefined for what says nothing of an object. */
export function lineName(line: string): MessageName | undefined {
  const { type, object } = JSON.parse(line) as { type: string; object: { metadata?: { name?: string } } };
  return type === 'BOOKMARK' ? undefined : { what: `line ${type}`, about: object.metadata?.name };
}
