import { chooseTheme, type Theme, theme } from '../../lib/theme.ts';
import { Card } from '../../ui/blocks.tsx';

const THEMES: readonly (readonly [Theme, string])[] = [
  ['system', 'As the system'],
  ['light', 'Light'],
  ['dark', 'Dark'],
];

export const ThemeChoice = () => (
  <Card title="Appearance">
    <fieldset>
      <legend class="hidden">Theme of this browser</legend>
      {THEMES.map(([value, label]) => (
        <label class="check" key={value}>
          <input
            type="radio"
            name="theme"
            value={value}
            checked={theme.value === value}
            onChange={() => chooseTheme(value)}
          />
          {label}
        </label>
      ))}
    </fieldset>
    <p class="quiet small">This browser keeps the choice.</p>
  </Card>
);
