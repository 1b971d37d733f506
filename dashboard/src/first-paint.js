// The browser runs this before it paints, so that no page appears in one theme and turns to the other. lib/theme.ts
// stores the choice.
try {
  const theme = localStorage.getItem('keyhearth-theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Without storage, the theme is that of the system.
}
