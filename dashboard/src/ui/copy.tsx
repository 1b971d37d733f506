import { useState } from 'preact/hooks';

const SHOWN_MS = 2_000;

/** Copies a text. The page selects the text instead where the browser has no clipboard: over plain HTTP. */
export function CopyButton({
  text,
  label = 'Copy',
  isMain = false,
  onCopied,
}: {
  text: string;
  label?: string;
  isMain?: boolean;
  onCopied?: () => void;
}) {
  const [state, setState] = useState<'ready' | 'copied' | 'failed'>('ready');

  async function copy() {
    const isCopied = await write(text);
    setState(isCopied ? 'copied' : 'failed');
    if (isCopied) onCopied?.();
    setTimeout(() => setState('ready'), SHOWN_MS);
  }

  const shown = { ready: label, copied: 'Copied', failed: 'Select and copy it by hand' }[state];
  return (
    <button type="button" class={isMain ? 'main small' : 'small'} onClick={copy}>
      <span aria-live="polite">{shown}</span>
    </button>
  );
}

async function write(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return writeByCommand(text);
  }
}

/** Browsers offer the clipboard on secure pages only. This older way works over plain HTTP too. */
function writeByCommand(text: string): boolean {
  const area = document.createElement('textarea');
  area.value = text;
  // An open dialog makes everything outside of it inert.
  (document.querySelector('dialog[open]') ?? document.body).append(area);
  area.select();
  const isCopied = document.execCommand('copy');
  area.remove();
  return isCopied;
}
