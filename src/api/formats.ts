import { constants } from 'node:os';
import { capabilityNames } from './capabilities.ts';
import { nearest } from './nearest.ts';
import { cpuCount, mebibyte, memoryBytes } from './quantity.ts';

/** What a value should have been, in words that follow "expected", and a hint that follows what was found. */
export interface Expected {
  readonly words: string;
  readonly hint?: string;
}

/** What a `format` of the schema wants instead of a value; undefined when the value will do. */
export type Format = (value: string | number) => Expected | undefined;

/** DNS-1123. No two alternatives match the same character, so a name of any length is refused in linear time. */
const label = '[a-z0-9]+(?:-+[a-z0-9]+)*';

/** The formats that the schema uses, by name. */
export const formats: Readonly<Record<string, Format>> = {
  'absolute-path': absolutePath,
  capability: capability,
  'cpu-list': cpuList,
  'cpu-quantity': cpuQuantity,
  'date-time': () => undefined,
  'device-permissions': matching(/^(?=.)r?w?m?$/, 'some of the letters r, w and m, in this order'),
  'dns-label': matching(
    `^${label}$`,
    'a name of lower-case letters, digits and "-", with a letter or digit first and last',
  ),
  'dns-subdomain': matching(
    `^${label}(?:\\.${label})*$`,
    'a name of lower-case letters, digits, "-" and ".", with a letter or digit first and last',
  ),
  'env-name': matching(
    /^[A-Za-z_.-][A-Za-z0-9_.-]*$/,
    'a name of letters, digits, "_", "-" and ".", with no digit first',
  ),
  hostname: matching(
    /^(?!.{64})[A-Za-z0-9]+(?:[.-]+[A-Za-z0-9]+)*$/,
    'a host name of at most 63 letters, digits, "-" and "."',
  ),
  'label-value': matching(
    /^(?!.{64})(?:[A-Za-z0-9]+(?:[._-]+[A-Za-z0-9]+)*)?$/,
    'at most 63 letters, digits, "-", "_" and ".", with a letter or digit first and last',
  ),
  'memory-limit': memoryLimit,
  'memory-quantity': memoryQuantity,
  'mount-type': matching(/^[A-Za-z0-9._-]+$/, 'bind or the name of a filesystem type'),
  'no-nul': matching(/^[^\0]*$/, 'a string without NUL characters'),
  signal: signal,
};

function matching(pattern: RegExp | string, words: string): Format {
  const expression = new RegExp(pattern);
  return (value) => (expression.test(String(value)) ? undefined : { words });
}

function absolutePath(value: string | number): Expected | undefined {
  const path = String(value);
  if (!path.startsWith('/')) return { words: 'an absolute path (one that begins with /)' };
  if (path.split('/').includes('..')) return { words: 'a path without ".."' };
  if (path.includes('\0') || path.length > 4095) return { words: 'a path of at most 4095 characters and no NUL' };
  return undefined;
}

function capability(value: string | number): Expected | undefined {
  const name = String(value).replace(/^CAP_/, '');
  if (name === 'ALL' || capabilityNames.includes(name)) return undefined;
  return {
    words: 'the name of a capability, such as NET_ADMIN, or ALL',
    hint: didYouMean(nearest(name, capabilityNames)),
  };
}

function cpuList(value: string | number): Expected | undefined {
  const list = String(value);
  return list.length < 4096 && list.split(',').every(isCpuRange)
    ? undefined
    : { words: 'a list of CPUs such as 0-1,3' };
}

function isCpuRange(range: string): boolean {
  const [, first, last = first] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(range) ?? [];
  return first !== undefined && Number(first) <= Number(last) && Number(last) < 8192;
}

function cpuQuantity(value: string | number): Expected | undefined {
  return quantity('a CPU quantity such as 500m or 2', () => {
    const count = cpuCount(value);
    if (!(count >= 0.01 && count <= 10000)) throw new Error('it must be between 10m and 10000');
  });
}

function memoryLimit(value: string | number): Expected | undefined {
  return quantity('a memory quantity such as 64Mi', () => {
    if (memoryBytes(value) < mebibyte) throw new Error('it must be at least 1Mi');
  });
}

function memoryQuantity(value: string | number): Expected | undefined {
  return quantity('a memory quantity such as 64Mi', () => memoryBytes(value));
}

function quantity(words: string, read: () => unknown): Expected | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    return { words, hint: `; ${error instanceof Error ? error.message : String(error)}` };
  }
}

function signal(value: string | number): Expected | undefined {
  const name = String(value);
  if (Object.hasOwn(constants.signals, name) || realTimeSignal.test(name)) return undefined;
  const known = Object.keys(constants.signals);
  return {
    words: 'the name of a signal, such as SIGTERM',
    hint: didYouMean(nearest(name, known) ?? nearest(`SIG${name}`, known)),
  };
}

const realTimeSignal = /^SIGRTM(IN(\+([1-9]|[12][0-9]|30))?|AX(-([1-9]|[12][0-9]|30))?)$/;

/** `; did you mean x?`, or nothing. */
export function didYouMean(word: string | undefined): string {
  return word === undefined ? '' : `; did you mean ${word}?`;
}
