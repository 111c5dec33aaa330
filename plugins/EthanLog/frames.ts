/** A record begins and ends with this byte. */
const MARK = 0x1e;
/** Each field begins with this byte, so the first of a record comes right after its mark. */
const FIELD = 0x1f;
/** Of a whole record, its two marks included. */
const MAX_RECORD_BYTES = 512;
const MAX_BODY = MAX_RECORD_BYTES - 2;

/** Cuts a stream of bytes into the bodies of records. */
export interface Framer {
  /** What this piece of the stream completes, in order. Bodies are without their marks and may share memory with the piece. */
  feed(piece: Buffer): Buffer[];
  /** There is no more: the body of the last record, when nothing but its mark is missing. */
  end(): Buffer[];
  /** How many stretches of the stream were no records, as far as it was seen. */
  readonly rejected: number;
}

/**
 * Every mark is an end and a beginning: what stands between two marks is a record when it begins as a field does. So a mark that is
 * missing, or one too many, costs one record at most, and a reader that comes in the middle of the stream finds its way. It holds
 * at most one record, whatever comes.
 */
export function createFramer(): Framer {
  let rest = Buffer.alloc(0);
  let isTooLong = false;
  let rejected = 0;

  /** The part of a body that has no end yet. */
  function keep(part: Buffer): void {
    isTooLong ||= rest.length + part.length > MAX_BODY;
    rest = isTooLong ? Buffer.alloc(0) : Buffer.concat([rest, part]);
  }

  function complete(part: Buffer): Buffer | undefined {
    const body = rest.length > 0 ? Buffer.concat([rest, part]) : part;
    const isRecord = !isTooLong && body.length <= MAX_BODY && body[0] === FIELD;
    if (!isRecord && (isTooLong || body.length > 0)) rejected += 1;
    rest = Buffer.alloc(0);
    isTooLong = false;
    return isRecord ? body : undefined;
  }

  function feed(piece: Buffer): Buffer[] {
    const bodies: Buffer[] = [];
    let from = 0;
    for (let to = piece.indexOf(MARK); to >= 0; to = piece.indexOf(MARK, from)) {
      const body = complete(piece.subarray(from, to));
      if (body) bodies.push(body);
      from = to + 1;
    }
    if (from < piece.length) keep(piece.subarray(from));
    return bodies;
  }

  return {
    feed,
    end: () => feed(Buffer.of(MARK)),
    get rejected() {
      return rejected;
    },
  };
}
