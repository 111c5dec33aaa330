/** Reading JSON that somebody else wrote, without believing anything. */

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An empty one when it is no object. */
export const asRecord = (value: unknown): Record<string, unknown> => (isRecord(value) ? value : {});

/** An empty object when the text is not that of one. */
export function parseRecord(text: string): Record<string, unknown> {
  try {
    return asRecord(JSON.parse(text));
  } catch {
    return {};
  }
}

/** An empty one when it is no list. */
export const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
