import { nearest } from '../api/nearest.ts';

/** Something that people are told in one line, without a stack. */
export class CliError extends Error {
  /** What kubectl would put in front: nothing for what the server says. */
  readonly prefix: string;

  constructor(message: string, prefix = 'error: ', options?: ErrorOptions) {
    super(message, options);
    this.prefix = prefix;
  }
}

/** A command line that makes no sense; points to the help of the verb. */
export function usageError(verb: string, message: string): CliError {
  return new CliError(`${message}\nSee 'hob ${verb} --help' for usage.`);
}

/** ` (did you mean x?)`, or nothing. */
export function suggestion(word: string, known: readonly string[], prefix = ''): string {
  const meant = nearest(word, known);
  return meant === undefined ? '' : ` (did you mean ${prefix}${meant}?)`;
}
