import { guarded, leaving } from '../lib/leaving.ts';
import { Dialog } from './dialog.tsx';

/** Asks before a new key is lost. It stands once on the page. */
export function LeaveDialog() {
  const leave = leaving.value;
  if (!leave) return null;

  function stay() {
    leaving.value = undefined;
  }

  const what = guarded();
  return (
    <Dialog title={`Leave without the ${what}?`} onClose={stay}>
      <p>
        {what === 'key'
          ? 'You have neither copied nor downloaded the key, and Keyhearth cannot show it again.'
          : 'You have not copied the link, and Keyhearth cannot show it again.'}
      </p>
      <div class="actions">
        <button type="button" class="main" onClick={stay}>
          Stay
        </button>
        <button
          type="button"
          class="danger"
          onClick={() => {
            stay();
            leave();
          }}
        >
          Leave without it
        </button>
      </div>
    </Dialog>
  );
}
