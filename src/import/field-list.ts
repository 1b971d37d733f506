/** The fields that can have the secret of a key. A line has one of them. */
export const SECRET_FIELDS = ['key', 'sha256', 'bcrypt'] as const;
export type SecretField = (typeof SECRET_FIELDS)[number];

export const SETTING_FIELDS = [
  ...(['label', 'owner', 'scopes', 'expires_at', 'allowed_ips', 'is_active', 'created_at'] as const),
  ...(['metadata', 'rate_limits', 'max_concurrent'] as const),
] as const;
export type SettingField = (typeof SETTING_FIELDS)[number];

/** All fields of a line. */
export const FIELDS: readonly string[] = [...SECRET_FIELDS, ...SETTING_FIELDS];
