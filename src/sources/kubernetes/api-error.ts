/** What an API server answered instead of what was asked for. */
export class ApiError extends Error {
  /** The HTTP status. */
  readonly code: number;
  /** CamelCase, as Kubernetes words it: NotFound, Forbidden, Conflict, Expired, ... */
  readonly reason: string;

  constructor(code: number, reason: string, message: string) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
    this.reason = reason;
  }
}

/** There was no answer. What exactly happened differs from try to try. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

/** From the body of an answer: a Status object, or whatever a proxy on the way had to say. */
export function apiError(code: number, body: string): ApiError {
  const { reason, message } = statusIn(body);
  return new ApiError(code, reason ?? `HTTP${code}`, message ?? `HTTP status ${code}: ${body.trim().slice(0, 200)}`);
}

function statusIn(body: string): { reason?: string; message?: string } {
  try {
    const status = JSON.parse(body) as { reason?: unknown; message?: unknown } | null;
    return {
      ...(typeof status?.reason === 'string' && { reason: status.reason }),
      ...(typeof status?.message === 'string' && { message: status.message }),
    };
  } catch {
    return {};
  }
}

const hasCode = (error: unknown, ...codes: number[]): boolean =>
  error instanceof ApiError && codes.includes(error.code);

export const isNotFound = (error: unknown): boolean => hasCode(error, 404);
export const isForbidden = (error: unknown): boolean => hasCode(error, 403);
export const isUnauthorized = (error: unknown): boolean => hasCode(error, 401);
/** Somebody else wrote in between. */
export const isConflict = (error: unknown): boolean => hasCode(error, 409);
/** The server does not remember that far back: read everything anew. */
export const isExpired = (error: unknown): boolean => hasCode(error, 410);
/** What was sent is at fault: the same again would get the same answer. */
export const isRefused = (error: unknown): boolean => hasCode(error, 400, 403, 404, 405, 413, 422);
