import { resealSecondFactors } from './accounts/reseal.ts';
import type { BackgroundWriter } from './db/engine.ts';
import type { Db } from './db/tables.ts';
import { fingerprinter } from './keys/digests.ts';
import { countUnmoved, createPepperMove } from './keys/pepper-move.ts';
import type { Logger } from './lib/logger.ts';
import type { Pepper } from './pepper/pepper.ts';
import { createSeal } from './pepper/seal.ts';

type PepperParts = Readonly<{
  pepper: Pepper;
  /** Undefined when the pepper does not change. */
  previousPepper: Pepper | undefined;
  /** What the database stores of the pepper. */
  check: string;
  db: Db;
  writer: BackgroundWriter;
  logger: Logger;
  onError: (error: unknown) => void;
}>;

/**
 * Makes what needs the pepper. While it changes, that is what needs the previous one too.
 * @param parts closes the parts that need it
 */
export async function composePepper(
  { pepper, previousPepper, check, db, writer, logger, onError }: PepperParts,
  parts: AsyncDisposableStack,
) {
  const fingerprintOf = fingerprinter(pepper);
  const seal = createSeal(pepper, previousPepper);
  const left = await countUnmoved(db);
  if (!previousPepper) {
    if (left > 0)
      logger.warn(
        { keys: left },
        'these keys were not used since the pepper changed, and are refused without KEYHEARTH_PEPPER_PREVIOUS',
      );
    return { fingerprintOf, seal, previousFingerprintOf: undefined, pepperMove: undefined };
  }
  const previousFingerprintOf = fingerprinter(previousPepper);
  const pepperMove = createPepperMove({ db, writer, previousFingerprintOf, check, onError });
  parts.adopt(pepperMove, ({ close }) => close());
  await resealSecondFactors(db, seal);
  logger.info(
    { keys: left },
    'the pepper changes: keys move when they are used; these keys still need the previous pepper',
  );
  return { fingerprintOf, seal, previousFingerprintOf, pepperMove };
}
