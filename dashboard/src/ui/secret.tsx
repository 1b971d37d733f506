import { useEffect } from 'preact/hooks';
import { useGuard } from '../lib/use-guard.ts';
import { CopyButton } from './copy.tsx';

/** Offers a text as a file. */
export function Download({
  text,
  file,
  label,
  onDownload,
}: {
  text: string;
  file: string;
  label: string;
  onDownload?: () => void;
}) {
  return (
    <a
      class="button small"
      download={file}
      onClick={onDownload}
      href={`data:text/plain;charset=utf-8,${encodeURIComponent(text)}`}
    >
      {label}
    </a>
  );
}

/**
 * A raw key, which the service shows once. Until it is copied or downloaded, the page asks before the person leaves.
 * @param isSaved whether it was copied elsewhere on the page
 */
export function RawKey({ rawKey, isSaved = false }: { rawKey: string; isSaved?: boolean }) {
  const save = useGuard('key');
  useEffect(() => {
    if (isSaved) save();
  }, [isSaved]);

  return (
    <div class="field">
      <p>
        Copy the key now. <strong>Keyhearth shows it once</strong> and stores only a fingerprint of it.
      </p>
      <code class="secret" data-testid="raw-key" dir="ltr" onCopy={save}>
        {rawKey}
      </code>
      <div class="actions">
        <CopyButton text={rawKey} label="Copy the key" isMain onCopied={save} />
        <Download
          text={`KEYHEARTH_KEY=${rawKey}\n`}
          file="keyhearth.env"
          label="Download as .env"
          onDownload={save}
        />
      </div>
    </div>
  );
}
