import { defineConfig } from 'vite';
import { firstPaint } from './first-paint.ts';

/** The page and its files refer to each other by relative URLs, so the dashboard works below any path. */
export default defineConfig({
  root: import.meta.dirname,
  base: './',
  plugins: [firstPaint()],
  build: {
    outDir: 'dist',
    target: 'es2022',
    // The policy of the page refuses inline files, and every supported browser preloads modules.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
