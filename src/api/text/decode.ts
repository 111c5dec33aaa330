/** The largest text that is read as specs: some 500 containers. */
export const longestText = 2 ** 20;

/** A text to parse, or why there is none. */
export type Decoded =
  { readonly text: string; readonly fault?: undefined } | { readonly text?: undefined; readonly fault: string };

/** Make text of what was read from a file. A byte order mark is left out. */
export function decode(input: string | Uint8Array): Decoded {
  const size = typeof input === 'string' ? Buffer.byteLength(input) : input.byteLength;
  if (size > longestText) return { fault: `the file has ${mebibytes(size)} MiB; more than 1 MiB is not read as specs` };
  const text = typeof input === 'string' ? input.replace(/^\uFEFF/, '') : utf8(input);
  if (text === undefined) return { fault: 'the file is not text: it is not UTF-8' };
  if (isBinary.test(text)) return { fault: 'the file is not text: it holds control characters' };
  return { text };
}

/** Rounded up, so that what is above a limit is shown as above it. */
function mebibytes(size: number): string {
  return (Math.ceil((size / 2 ** 20) * 10) / 10).toFixed(1);
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Control characters that no YAML or JSON text may hold: all but tab, line feed, carriage return and next line. */
// eslint-disable-next-line no-control-regex -- they are what is looked for
const isBinary = /[\x00-\x08\x0B\x0C\x0E-\x1F\x7F\uFFFE\uFFFF]/;
