import { useId, useRef, useState } from 'preact/hooks';
import type { Snippet } from '../lib/snippet.ts';
import { CopyButton } from './copy.tsx';

type SnippetsProps = {
  of: readonly Snippet[];
  label: string;
  /** Called with the code, or the part of it, that the person copied. */
  onCopied?: ((code: string) => void) | undefined;
};

/** Pieces of code, one for each tool, as tabs. Arrow keys change the tab. */
export function Snippets({ of, label, onCopied }: SnippetsProps) {
  const [chosen, setChosen] = useState(0);
  const id = useId();
  const tabs = useRef<HTMLDivElement>(null);
  const { code = '', note, steps = [], wraps } = of[chosen] ?? {};

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
        {steps.length > 0 && (
          <ol class="steps small">
            {steps.map((step) => (
              <li key={step}>{withCode(step)}</li>
            ))}
          </ol>
        )}
        <pre
          // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
          tabIndex={0}
          class={wraps ? 'wraps' : undefined}
          onCopy={() => onCopied?.(String(getSelection()))}
        >
          {code}
        </pre>
        <div class="actions">
          <CopyButton text={code} onCopied={() => onCopied?.(code)} />
        </div>
      </div>
    </div>
  );
}

/** A sentence, with what stands between two backticks as code. */
const withCode = (text: string) =>
  text.split('`').map((part, index) => (index % 2 === 0 ? part : <code key={part}>{part}</code>));
