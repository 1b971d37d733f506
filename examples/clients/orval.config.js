export default {
  keyhearth: {
    input: '../../openapi/openapi.json',
    output: {
      target: './generated/orval.ts',
      client: 'fetch',
      mode: 'single',
      override: { mutator: { path: './send.ts', name: 'send', extension: '.ts' } },
    },
  },
};
