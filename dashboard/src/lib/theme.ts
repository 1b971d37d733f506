import { signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';

/** first-paint.js reads it too. */
const STORED = 'keyhearth-theme';

const isTheme = (value: string | null): value is Theme => value === 'light' || value === 'dark';

function read(): Theme {
  try {
    const stored = localStorage.getItem(STORED);
    return isTheme(stored) ? stored : 'system';
  } catch {
    return 'system';
  }
}

/** How this browser shows the dashboard. */
export const theme = signal(read());

function apply(next: Theme): void {
  theme.value = next;
  const page = document.documentElement;
  if (next === 'system') page.removeAttribute('data-theme');
  else page.setAttribute('data-theme', next);
}

// Another tab has changed it.
addEventListener('storage', ({ key }) => {
  if (key === STORED) apply(read());
});

/** Shows the theme, and keeps it for the next visit where the browser allows that. */
export function chooseTheme(next: Theme): void {
  apply(next);
  try {
    if (next === 'system') localStorage.removeItem(STORED);
    else localStorage.setItem(STORED, next);
  } catch {
    // A browser without storage keeps it until the page is closed.
  }
}
