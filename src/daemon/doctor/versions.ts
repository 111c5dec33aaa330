/** Numbers of a version, most significant first. */
export type Version = readonly number[];

/** The first version in a text: `crun version 1.8.1` is [1, 8, 1], `6.1.0-18-amd64` is [6, 1, 0]. Undefined when there is none. */
export function versionIn(text: string): Version | undefined {
  return /\d+(\.\d+)+/.exec(text)?.[0].split('.').map(Number);
}

/** Whether `version` is `least` or later; what it does not say counts as 0. */
export function isAtLeast(version: Version, least: Version): boolean {
  const at = least.findIndex((number, index) => number !== (version[index] ?? 0));
  return at < 0 || (version[at] ?? 0) > (least[at] ?? 0);
}
