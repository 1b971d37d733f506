import { render } from 'preact';
import { App } from './app.tsx';
import { isPlain, ROOT } from './lib/base.ts';
import './style.css';

const WrongAddress = () => (
  <main class="alone">
    <h1>This is not the address of the dashboard</h1>
    <p>It has characters that do not belong there, so do not trust the link that led you here.</p>
  </main>
);

render(isPlain(ROOT) ? <App /> : <WrongAddress />, document.getElementById('app') as HTMLElement);
