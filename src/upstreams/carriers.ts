/** Where a client of the gateway may put its key, in lower case. None of these reaches an upstream. */
export const KEY_HEADERS = ['x-api-key', 'x-goog-api-key'] as const;
export const KEY_PARAMETERS = ['key', 'auth_token'] as const;
