import { expect, test } from 'vitest';
import { parseExposition } from '../support/exposition.ts';
import { gatewayService } from '../support/gateway.ts';
import { startUpstream } from '../support/upstream.ts';
import { openSocket, socketUpstream } from '../support/websockets.ts';

const KEY = 'team-a-key-abc123-0123456789-0123456789';

test('the gateway counts its requests, its upstreams and its open WebSockets', async () => {
  const [upstream, sockets] = [await startUpstream(), await socketUpstream()];
  const { ask, gatewayOrigin, renderMetrics } = await gatewayService(
    [
      `api-keys: ["${KEY}"]`,
      'openai-compatibility:',
      `  - { name: router, prefix: or, base-url: "${upstream.origin}/v1", api-key-entries: [{ api-key: "sk-router" }] }`,
      `codex-api-key: [{ api-key: upstream-key-0123456789, base-url: "${sockets.origin}" }]`,
    ].join('\n'),
  );
  const chat = (key: string, model: string) =>
    ask({
      method: 'POST',
      path: '/v1/chat/completions',
      headers: { Authorization: `Bearer ${key}` },
      body: { model, messages: [] },
    });
  await chat(KEY, 'or/m');
  await chat(KEY, 'or/another-model');
  await chat(KEY, 'unknown');
  await chat('wrong-key-of-the-tests-0123456789', 'or/m');
  const { socket } = await openSocket(gatewayOrigin, '/v1/responses', {
    headers: { Authorization: `Bearer ${KEY}` },
  });
  const read = async () => parseExposition((await renderMetrics(undefined)).text, false);
  // A request is counted when its connection is done with it.
  await expect
    .poll(async () => (await read()).sum('keyhearth_gateway_request_duration_seconds_count'))
    .toBe(5);
  const { sum, samples } = await read();
  const requests = (status: number) =>
    samples.get(
      `keyhearth_requests_total{port="gateway",method="POST",route="/v1/chat/completions",status="${status}"}`,
    );
  expect([200, 404].map(requests)).toEqual([2, 1]);
  // Its route is not looked for.
  expect(sum('keyhearth_requests_total', 'port="gateway",method="POST",route="none",status="401"')).toBe(1);
  expect(samples.get('keyhearth_gateway_upstream_requests_total{upstream="router",status="200"}')).toBe(2);
  expect(sum('keyhearth_refusals_total', 'port="gateway",code="no_upstream"')).toBe(1);
  expect(sum('keyhearth_verifications_total', 'VALID')).toBe(4);
  expect(sum('keyhearth_gateway_websockets')).toBe(1);
  socket.close();
  await expect.poll(async () => (await read()).sum('keyhearth_gateway_websockets')).toBe(0);
});
