import { leaving } from '../lib/leaving.ts';
import { Dialog } from './dialog.tsx';

/** Asks before a new key is lost. It stands once on the page. */
export function LeaveDialog() {
  const leave = leaving.value;
  if (!leave) return null;

  function stay() {
    leaving.value = undefined;
  }

  return (
    <Dialog title="Leave without the key?" onClose={stay}>
      <p>You have neither copied nor downloaded the key, and Keyhearth cannot show it again.</p>
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
