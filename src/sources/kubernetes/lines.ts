/** More than the largest object that an API server keeps. */
const longestLine = 16 * 2 ** 20;

/**
 * The lines of a stream of bytes, without their ends; what comes after the last end is not one.
 * @param onBytes called whenever something has come
 * @throws Error at a line that does not end
 */
export async function* linesOf(stream: AsyncIterable<Uint8Array>, onBytes: () => void): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of stream) {
    onBytes();
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > longestLine) throw new Error(`a line of more than ${longestLine} characters`);
    yield* lines;
  }
}
