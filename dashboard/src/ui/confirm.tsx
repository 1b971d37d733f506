import { effect, signal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { ApiError } from '../lib/api.ts';
import { account } from '../lib/session.ts';
import { Dialog } from './dialog.tsx';
import { Form, TextField } from './form.tsx';

/** What an action is repeated with when the service asks for the password of the person. */
export type Confirmation = { password?: string };

type Question = {
  /** Why the dialog asks. */
  reason: string;
  act(confirmation: Confirmation): Promise<unknown>;
  settle(result: { value: unknown } | { error: Error }): void;
};

const question = signal<Question | undefined>(undefined);

// The next person at this browser must not confirm what this one asked for.
effect(() => {
  if (account.value) return;
  const open = question.peek();
  question.value = undefined;
  open?.settle({ error: new Cancelled() });
});

/** The person closed the dialog that asked for the password. */
export class Cancelled extends ApiError {
  constructor() {
    super('Nothing was changed, because you did not confirm it.', { status: 0, code: 'cancelled' });
  }
}

/**
 * Does what needs the password of the person or a sign-in of the last minutes. It asks for the password when the service
 * says so, and then does it again with the password.
 * @throws Cancelled when the person does not give it
 */
export async function confirmed<Value>(act: (confirmation: Confirmation) => Promise<Value>): Promise<Value> {
  try {
    return await act({});
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'recent_sign_in_required') throw error;
    return ask(act, 'You signed in more than 15 minutes ago, so this change needs your password.');
  }
}

/**
 * Asks for the password, however recent the sign-in is, and then does what it confirms. For changes of the second factor
 * and of roles: somebody else may sit at this browser.
 * @throws Cancelled when the person does not give it
 */
export const confirmedAnew = <Value,>(act: (confirmation: Confirmation) => Promise<Value>): Promise<Value> =>
  ask(act, 'This change always needs your password.');

function ask<Value>(act: (confirmation: Confirmation) => Promise<Value>, reason: string): Promise<Value> {
  return new Promise((resolve, reject) => {
    question.value = {
      reason,
      act,
      settle: (result) => ('value' in result ? resolve(result.value as Value) : reject(result.error)),
    };
  });
}

/** Whether another attempt with the same dialog can help. What the change itself lacks, its own form shows. */
const isAboutPassword = (error: unknown) =>
  !(error instanceof ApiError) ||
  error.code === 'invalid_sign_in' ||
  [0, 429, 503].includes(error.status) ||
  error.errors.some(({ path }) => path === 'password');

/** The dialog of `confirmed`. It stands once on the page. */
export function ConfirmDialog() {
  return question.value ? <AskForPassword of={question.value} /> : null;
}

function AskForPassword({ of }: { of: Question }) {
  const [password, setPassword] = useState('');

  function close(result: Parameters<Question['settle']>[0]) {
    question.value = undefined;
    of.settle(result);
  }

  const cancel = () => close({ error: new Cancelled() });

  async function confirm() {
    try {
      close({ value: await of.act({ password }) });
    } catch (error) {
      if (isAboutPassword(error)) throw error;
      close({ error: error as Error });
    }
  }

  return (
    <Dialog title="Confirm with your password" onClose={cancel}>
      <p>{of.reason}</p>
      <Form action="Confirm" busy="Confirming…" onSubmit={confirm} onCancel={cancel} savesNothing>
        <TextField
          label="Your password"
          name="password"
          type="password"
          autoComplete="current-password"
          autoFocus
          value={password}
          onInput={setPassword}
        />
      </Form>
    </Dialog>
  );
}
