/**
 * One record that a plugin keeps, for people: when, how bad, of what, the message, and where in the code. A line that is no such record
 * stays as it is.
 */
export function recordWords(line: string): string {
  const record = parseRecord(line);
  const message = record.get('message');
  if (message === undefined) return line;
  const [file, number] = [record.get('file'), record.get('line')];
  const place = file === undefined ? undefined : number === undefined ? `(${file})` : `(${file}:${number})`;
  const words = [record.get('time'), record.get('level')?.padEnd(longestLevel), record.get('name'), message, place];
  return harmless(words.filter((word) => word !== undefined).join(' '));
}

const longestLevel = 'milestone'.length;

/** Its fields as texts. Empty when the line is no object of JSON. */
function parseRecord(line: string): Map<string, string> {
  try {
    const value: unknown = JSON.parse(line);
    const isText = (field: unknown): boolean => typeof field === 'string' || typeof field === 'number';
    return new Map(
      Object.entries(value ?? {}).flatMap(([name, field]) => (isText(field) ? [[name, String(field)]] : [])),
    );
  } catch {
    return new Map();
  }
}

/** A record stays on its line, and does nothing to the terminal. */
const harmless = (text: string): string =>
  text.replaceAll(/[^\P{Cc}\t]/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
