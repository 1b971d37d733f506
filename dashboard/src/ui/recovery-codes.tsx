import { account } from '../lib/session.ts';
import { CopyButton } from './copy.tsx';
import { Download } from './secret.tsx';

/** Recovery codes, to copy or to download. */
export function RecoveryCodes({ codes }: { codes: readonly string[] }) {
  const heading = `Recovery codes of Keyhearth for ${account.value?.email}. Each works once.`;
  return (
    <>
      <ul class="codes" aria-label="Recovery codes">
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <div class="row">
        <CopyButton text={codes.join('\n')} label="Copy the codes" />
        <Download
          text={`${heading}\n\n${codes.join('\n')}\n`}
          file="keyhearth-recovery-codes.txt"
          label="Download the codes"
        />
      </div>
    </>
  );
}
