import { hrefOf } from '../lib/router.ts';

export const NotFoundPage = () => (
  <div class="empty">
    <h1>There is no such page</h1>
    <p>The address may be old, or you may not use this page.</p>
    <a class="button" href={hrefOf('/')}>
      Go to the overview
    </a>
  </div>
);
