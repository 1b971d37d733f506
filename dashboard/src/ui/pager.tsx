import { useEffect } from 'preact/hooks';
import type { Paged } from '../lib/pages.ts';

const isTyping = ({ target }: KeyboardEvent) =>
  target instanceof Element && target.closest('input, select, textarea, [role="tablist"], dialog') !== null;

/** Goes through the pages of a list, by mouse or with the keys "n" and "p". */
export function Pager({
  of,
  label,
}: {
  of: Pick<Paged<unknown>, 'number' | 'previous' | 'next'>;
  label: string;
}) {
  useEffect(() => {
    function press(event: KeyboardEvent) {
      if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === 'n') of.next?.();
      if (event.key === 'p') of.previous?.();
    }
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  });
  if (!of.previous && !of.next) return null;
  return (
    <nav class="pager" aria-label={label}>
      <button type="button" class="small" disabled={!of.previous} onClick={of.previous} aria-keyshortcuts="p">
        ← Previous
      </button>
      <span class="quiet" role="status">
        Page {of.number}
      </span>
      <button type="button" class="small" disabled={!of.next} onClick={of.next} aria-keyshortcuts="n">
        Next →
      </button>
    </nav>
  );
}
