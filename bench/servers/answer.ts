/** What Keyhearth's `GET /auth/verify` says of a good key; the servers it is compared with say the same. */
export const VERIFIED = { valid: true, key: { id: 1, label: 'bench' } } as const;
