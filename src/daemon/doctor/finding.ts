/** What one check of the host came to. */
export interface Finding {
  /** What was looked at, in a word or two. */
  readonly check: string;
  /** warning: hob works, but not as well as it could. problem: containers do not start, or hob does not. */
  readonly ok: 'ok' | 'warning' | 'problem';
  /** What is there. */
  readonly found: string;
  /** What to do about it. */
  readonly cure?: string;
}

export const fine = (check: string, found: string): Finding => ({ check, ok: 'ok', found });

export const warning = (check: string, found: string, cure: string): Finding => ({ check, ok: 'warning', found, cure });

export const problem = (check: string, found: string, cure: string): Finding => ({ check, ok: 'problem', found, cure });
