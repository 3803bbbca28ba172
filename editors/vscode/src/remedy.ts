// An error that knows the one thing to press.

/** What a button of an error does. */
export interface Remedy {
  title: string;
  command: string;
  arguments?: unknown[];
}

export class Remedied extends Error {
  constructor(
    message: string,
    readonly remedy: Remedy,
  ) {
    super(message);
  }
}
