import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';

type DialogProps = {
  title: string;
  isWide?: boolean;
  /** Also called for the Escape key. Without it, the dialog cannot be closed by hand. */
  onClose?: (() => void) | undefined;
  children: ComponentChildren;
};

/** The button that opened a dialog may be gone with it. Without a place, the keyboard begins at the top of the page. */
function keepFocus(card: Element | null | undefined): void {
  if (document.activeElement !== document.body) return;
  const next = card?.querySelector<HTMLElement>('button:not(:disabled)') ?? document.querySelector('main');
  next?.focus({ preventScroll: true });
}

/** A native modal dialog. It is open while it is rendered. The focus goes back to where it was. */
export function Dialog({ title, isWide = false, onClose, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  const isGone = useRef(false);

  /** While its form is sent, it stays: the answer may have a secret that is shown once. */
  function close() {
    if (!element.current?.querySelector('form[aria-busy="true"]')) onClose?.();
  }

  // Not a plain effect, which would leave the page without a focus for a moment after the dialog is gone.
  useLayoutEffect(() => {
    const before = document.activeElement;
    const dialog = element.current;
    const card = dialog?.closest('.card');
    dialog?.showModal();
    return () => {
      isGone.current = true;
      dialog?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
      setTimeout(() => keepFocus(card));
    };
  }, []);
  return (
    <dialog
      ref={element}
      class={isWide ? 'wide' : undefined}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      // A browser closes it by itself at a second Escape.
      onClose={() => {
        // The event comes late. By then another dialog may be open in the place of this one.
        if (isGone.current) return;
        element.current?.showModal();
        close();
      }}
    >
      <h2 id={titleId}>{title}</h2>
      {children}
    </dialog>
  );
}
