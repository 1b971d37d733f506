export type Snippet = {
  title: string;
  /** What it is for, and where it goes. */
  note?: string;
  /** What to do, in order, with code between backticks. */
  steps?: readonly string[];
  code: string;
  /** Whether long lines wrap: a command that people read as a whole. */
  wraps?: boolean;
};

/** The services that the code talks to, and the key that it uses. */
export type SnippetParts = {
  /** Where Keyhearth is, without a slash at the end: `http://localhost:8800`. */
  origin: string;
  /** The raw key. Without it, the code has a placeholder. */
  key?: string | undefined;
  /** Where clients reach your own service, behind the proxy that asks Keyhearth. */
  service?: string | undefined;
};
