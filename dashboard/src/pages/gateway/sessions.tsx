import { useState } from 'preact/hooks';
import { api, body, done } from '../../lib/api.ts';
import { Card } from '../../ui/blocks.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Form } from '../../ui/form.tsx';
import { When } from '../../ui/key-status.tsx';
import type { Gateway } from '../gateway.tsx';

type Session = Gateway['sessions'][number];
type Provider = Gateway['providers'][number];
type Open = { connect: Provider } | { end: Session };

type Props = { gateway: Gateway; onChange: (text: string) => void };

/** The sign-ins of the gateway at OAuth providers. */
export function GatewaySessions({ gateway: { sessions, providers }, onChange }: Props) {
  const [open, setOpen] = useState<Open>();
  const close = () => setOpen(undefined);
  return (
    <Card title="OAuth sessions">
      {sessions.length === 0 ? (
        <p class="quiet">The gateway is signed in at no provider.</p>
      ) : (
        <div class="scroll">
          <table class="folds">
            <thead>
              <tr>
                <th scope="col">Session</th>
                <th scope="col">State</th>
                <th scope="col">Token expires</th>
              </tr>
            </thead>
            <tbody>
              {sessions.map((session) => (
                <tr key={session.id}>
                  <th scope="row">
                    <bdi>{session.email ?? session.id}</bdi>{' '}
                    <span class="quiet small">{session.provider}</span>
                    <div class="tools">
                      <button type="button" class="link" onClick={() => setOpen({ end: session })}>
                        End<span class="hidden"> {session.email ?? session.id}</span>
                      </button>
                    </div>
                  </th>
                  <td data-label="State">
                    {session.state === 'active' ? (
                      'active'
                    ) : (
                      <span class="badge warn">expired, connect again</span>
                    )}
                  </td>
                  <td class="tight" data-label="Token expires">
                    <When at={session.expires_at} never="not known" />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {providers.length === 0 ? (
        <p class="quiet">
          To connect a provider, add its client id to the section <code>oauth</code> of the file.
        </p>
      ) : (
        <div class="row">
          {providers.map((provider) => (
            <button type="button" key={provider} onClick={() => setOpen({ connect: provider })}>
              Connect {provider}
            </button>
          ))}
        </div>
      )}
      {open && 'connect' in open && <Connect provider={open.connect} onClose={close} />}
      {open && 'end' in open && (
        <End
          session={open.end}
          onClose={close}
          onDone={() => {
            close();
            onChange('The session is over.');
          }}
        />
      )}
    </Card>
  );
}

function Connect({ provider, onClose }: { provider: Provider; onClose: () => void }) {
  const [url, setUrl] = useState<string>();
  return (
    <Dialog title={`Connect ${provider}`} onClose={onClose}>
      {url === undefined ? (
        <Form
          action="Get the link"
          busy="Preparing…"
          savesNothing
          onSubmit={async () => {
            const answer = await body(api.auth.gateway.oauth[':provider'].$post({ param: { provider } }));
            setUrl(answer.url);
          }}
          onCancel={onClose}
        >
          <p>
            The gateway prepares a link to the sign-in page of the provider. After the sign-in, the provider
            sends your browser back to the gateway.
          </p>
        </Form>
      ) : (
        <>
          <p>Open this link within ten minutes, and sign in. Then load the list of sessions again.</p>
          <p>
            <a href={url} target="_blank" rel="noreferrer">
              Sign in at {new URL(url).host}
            </a>
          </p>
          <div class="row">
            <button type="button" onClick={onClose}>
              Close
            </button>
          </div>
        </>
      )}
    </Dialog>
  );
}

type EndProps = { session: Session; onClose: () => void; onDone: () => void };

const End = ({ session, onClose, onDone }: EndProps) => (
  <Dialog title="End this session?" onClose={onClose}>
    <p>
      The gateway deletes the tokens of <bdi>{session.email ?? session.id}</bdi> at {session.provider}. Models
      that only this session serves are then refused.
    </p>
    <Form
      action="End the session"
      busy="Ending…"
      onSubmit={async () => {
        await done(api.auth.gateway.sessions[':id'].$delete({ param: { id: session.id } }));
        onDone();
      }}
      onCancel={onClose}
    />
  </Dialog>
);
