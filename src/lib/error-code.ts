/** The `code` of an error of the system or of a library ("ENOENT", "HPE_HEADER_OVERFLOW"), or undefined. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
