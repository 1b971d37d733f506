import { CopyButton } from './copy.tsx';

/** Offers a text as a file. */
export function Download({ text, file, label }: { text: string; file: string; label: string }) {
  return (
    <a
      class="button small"
      download={file}
      href={`data:text/plain;charset=utf-8,${encodeURIComponent(text)}`}
    >
      {label}
    </a>
  );
}

/** A raw key, which the service shows once. */
export const RawKey = ({ rawKey }: { rawKey: string }) => (
  <div class="field">
    <p>
      Copy the key now. <strong>Keyhearth shows it once</strong> and stores only a fingerprint of it.
    </p>
    <code class="secret" data-testid="raw-key">
      {rawKey}
    </code>
    <div class="actions">
      <CopyButton text={rawKey} label="Copy the key" isMain />
      <Download text={`KEYHEARTH_KEY=${rawKey}\n`} file="keyhearth.env" label="Download as .env" />
    </div>
  </div>
);
