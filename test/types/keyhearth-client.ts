import type { z } from 'zod';
import type { BootstrapStatusSchema, RegisterKeySchema } from '../../src/apis/core/bootstrap-schemas.ts';
import type { CreateKeySchema, UpdateKeySchema } from '../../src/apis/core/key-change-schemas.ts';
import type { CreatedKeySchema, KeySchema } from '../../src/apis/core/key-schemas.ts';
import type { KeyPageSchema, ListQuerySchema } from '../../src/apis/core/list-schemas.ts';
import type { IntrospectionSchema, IntrospectSchema } from '../../src/apis/core/verify-schemas.ts';
import type {
  ApiKey,
  BootstrapStatus,
  CreatedApiKey,
  KeyChange,
  KeyFilter,
  KeyPage,
  NewKey,
  Verification,
  VerifyOptions,
} from '../../src/client/types.ts';

/** Compiled, never run: the types of keyhearth/client are those of the schemas of the service. */

declare const sent: {
  key: z.output<typeof KeySchema>;
  created: z.output<typeof CreatedKeySchema>;
  page: z.output<typeof KeyPageSchema>;
  verification: z.output<typeof IntrospectionSchema>;
  status: z.output<typeof BootstrapStatusSchema>;
};

sent.key satisfies ApiKey;
sent.created satisfies CreatedApiKey;
sent.page satisfies KeyPage;
sent.verification satisfies Verification;
sent.status satisfies BootstrapStatus;

/** The type promises no field that the service does not send. */
type NothingMore<Ours, Theirs> = Exclude<keyof Ours, keyof Theirs> extends never ? true : false;
true satisfies NothingMore<ApiKey, z.output<typeof KeySchema>>;
true satisfies NothingMore<CreatedApiKey, z.output<typeof CreatedKeySchema>>;
true satisfies NothingMore<KeyPage, z.output<typeof KeyPageSchema>>;

/** Both ways: the client knows every result, and no other. */
type Codes<Result extends { code: string }> = Result['code'];
declare const code: Codes<Verification>;
code satisfies Codes<z.output<typeof IntrospectionSchema>>;

declare const accepted: {
  created: NewKey;
  changed: KeyChange;
  asked: VerifyOptions;
  registered: { api_key: string; label?: string | undefined };
};
accepted.created satisfies z.input<typeof CreateKeySchema>;
accepted.changed satisfies z.input<typeof UpdateKeySchema>;
accepted.asked satisfies Omit<z.input<typeof IntrospectSchema>, 'key' | 'keys'>;
accepted.registered satisfies z.input<typeof RegisterKeySchema>;

/** A client that is a person also sends a password. The client sends keys alone. */
true satisfies NothingMore<z.input<typeof CreateKeySchema>, NewKey & { password: string }>;
true satisfies NothingMore<z.input<typeof UpdateKeySchema>, KeyChange & { password: string }>;
true satisfies NothingMore<z.input<typeof ListQuerySchema>, KeyFilter>;
true satisfies NothingMore<KeyFilter, z.input<typeof ListQuerySchema>>;
