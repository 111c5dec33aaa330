/** Why a container's root filesystem cannot be had. CamelCase, as events and conditions want it. */
export type RootfsReason =
  | 'RootfsNotFound'
  | 'RootfsNotADirectory'
  | 'RootfsNotTrusted'
  | 'RootfsNotReachable'
  | 'OverlayUnsupported'
  | 'OverlayFailed';

/** The message says what failed, why, and what to do. */
export class RootfsError extends Error {
  readonly reason: RootfsReason;

  constructor(reason: RootfsReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RootfsError';
    this.reason = reason;
  }
}
