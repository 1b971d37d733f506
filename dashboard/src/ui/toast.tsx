import { signal } from '@preact/signals';

type Toast = { id: number; text: string };

const toasts = signal<readonly Toast[]>([]);
let last = 0;
const SHOWN_MS = 5_000;

/** Says for a few seconds what was done. Screen readers read it out. */
export function say(text: string): void {
  const id = ++last;
  toasts.value = [...toasts.value, { id, text }];
  setTimeout(() => {
    toasts.value = toasts.value.filter((toast) => toast.id !== id);
  }, SHOWN_MS);
}

export const Toasts = () => (
  <div class="toasts" role="status">
    {toasts.value.map(({ id, text }) => (
      <p class="message good" key={id}>
        {text}
      </p>
    ))}
  </div>
);
