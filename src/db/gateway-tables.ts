import type { KeyId } from '../lib/brand.ts';

/** The keys of a gateway's file, as they were last made the same here. */
export type GatewayTable = {
  /** `KEYHEARTH_GATEWAY_NAME`. */
  name: string;
  /** Over the fingerprints and labels of the keys in the file; empty before all of them are stored for the first time. */
  digest: string;
  /** JSON: what is done of a file that takes several transactions; empty between files. */
  progress: string;
  /** Milliseconds since 1970. */
  synced_at: number;
};

/** Which gateways declare a key. */
export type GatewayKeyTable = {
  gateway: string;
  key_id: KeyId;
};
