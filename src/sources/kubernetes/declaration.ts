import { apiVersion, kind } from '../../api/schema.ts';
import { pathText } from '../../api/finding.ts';
import { validateContainer } from '../../api/validate.ts';
import type { Declaration } from '../source.ts';
import { keyOf, originOf, type ContainerResource } from './resource.ts';

/** kubectl's own notes: they double every spec, and change with each apply. */
const kubectlNotes = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * What a resource declares. Its CRD may be older than this hob, or newer, so it is validated as a file is; and its generation is the API
 * server's, so that `observedGeneration` means the same there.
 */
export function declarationOf(resource: ContainerResource): Declaration {
  const { name, namespace = 'default', labels, annotations, generation } = resource.metadata;
  const metadata = {
    name,
    namespace,
    ...(labels && { labels }),
    ...(annotations && { annotations: withoutNotes(annotations) }),
  };
  const { container, findings } = validateContainer({ apiVersion, kind, metadata, spec: resource.spec ?? {} });
  if (container)
    return {
      containers: [{ ...container, metadata: { ...container.metadata, ...(generation && { generation }) } }],
      mistakes: [],
    };
  const origin = originOf(keyOf(resource));
  return {
    containers: [],
    mistakes: findings.map(({ path, message }) => ({ origin, path: pathText(path), message, name, namespace })),
  };
}

const withoutNotes = ({
  [kubectlNotes]: _,
  ...annotations
}: Readonly<Record<string, string>>): Record<string, string> => annotations;

/** Changes when what is declared does, and not with each status. */
export const declarationMark = ({ metadata: { generation, labels, annotations }, spec }: ContainerResource): string =>
  JSON.stringify([generation, spec, labels, annotations]);
