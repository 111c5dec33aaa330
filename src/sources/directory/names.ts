/** Which names in the folder hob looks at. */

const SPEC_NAME = /^[^.].*\.(?:yaml|yml|json)$/;

/**
 * Whether a file of this name (no path) is a spec. What editors and copying programs leave beside one is not: `.x.yaml.swp`, `x.yaml~`,
 * `x.yaml.tmp`, `x.yaml.bak`, `#x.yaml#`, `.x.yaml.Ab12` all fail by their first character or their ending.
 */
export const isSpecName = (name: string): boolean => SPEC_NAME.test(name);

/** Names that hob neither reads nor descends into: `.git`, and `..data` and `..2026_01_31...` of a ConfigMap volume. */
export const isHidden = (name: string): boolean => name.startsWith('.');

/** Whether `path` is `folder` itself or beneath it. `''` is the folder that everything is beneath. Both relative, or both absolute. */
export const isWithin = (path: string, folder: string): boolean =>
  folder === '' || path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);

/** The folder that a relative name is in; `''` is the one that all are in. */
export const folderOf = (name: string): string => name.slice(0, Math.max(0, name.lastIndexOf('/')));
