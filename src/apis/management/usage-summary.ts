import type { UsageTotals } from '../../usage/model-report.ts';

/** What the gateway has counted since its first start, in the form of the original. */
export function usageSummary({ requests, failures, tokens, keys }: UsageTotals) {
  return {
    usage: {
      total_requests: requests,
      success_count: requests - failures,
      failure_count: failures,
      total_tokens: tokens,
      apis: Object.fromEntries(
        keys.map((key) => [
          key.name,
          {
            total_requests: key.requests,
            total_tokens: key.tokens,
            models: Object.fromEntries(
              [...key.models].map(([name, model]) => [
                name,
                { total_requests: model.requests, total_tokens: model.tokens },
              ]),
            ),
          },
        ]),
      ),
    },
    failed_requests: failures,
  };
}
