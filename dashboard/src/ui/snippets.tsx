import { useId, useRef, useState } from 'preact/hooks';
import type { Snippet } from '../lib/snippet.ts';
import { CopyButton } from './copy.tsx';

/** Pieces of code, one for each tool, as tabs. Arrow keys change the tab. */
export function Snippets({ of, label }: { of: readonly Snippet[]; label: string }) {
  const [chosen, setChosen] = useState(0);
  const id = useId();
  const tabs = useRef<HTMLDivElement>(null);
  const { code = '', note } = of[chosen] ?? {};

  function move(event: KeyboardEvent) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    const next = (chosen + step + of.length) % of.length;
    setChosen(next);
    const tab = tabs.current?.children[next];
    if (tab instanceof HTMLElement) tab.focus();
  }

  return (
    <div>
      <div class="tabs" role="tablist" aria-label={label} ref={tabs} onKeyDown={move}>
        {of.map(({ title }, index) => (
          <button
            key={title}
            type="button"
            role="tab"
            id={`${id}-${index}`}
            aria-selected={index === chosen}
            aria-controls={`${id}-code`}
            tabIndex={index === chosen ? 0 : -1}
            onClick={() => setChosen(index)}
          >
            {title}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-code`} aria-labelledby={`${id}-${chosen}`}>
        {note && <p class="quiet small">{note}</p>}
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
        <pre tabIndex={0}>{code}</pre>
        <div class="actions">
          <CopyButton text={code} />
        </div>
      </div>
    </div>
  );
}
