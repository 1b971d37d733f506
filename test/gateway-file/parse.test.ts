import { threadCpuUsage } from 'node:process';
import { describe, expect, test } from 'vitest';
import type { FileProblem } from '../../src/gateway-file/config.ts';
import { isProblem, type ParsedFile, parseGatewayFile } from '../../src/gateway-file/parse.ts';
import { generateRawKey } from '../../src/keys/key-format.ts';

const place = { directory: '/etc/gateway', home: '/home/ada' };
const parse = (text: string) => parseGatewayFile(text, place);

function accepted(text: string): ParsedFile {
  const result = parse(text);
  if (isProblem(result)) throw new Error(result.sentence);
  return result;
}

function refused(text: string): FileProblem {
  const result = parse(text);
  if (!isProblem(result)) throw new Error('it was accepted');
  return result;
}

const KEY_A = 'team-a-key-abc123-with-32-characters';
const KEY_B = 'team-b-key-def456-with-32-characters';

describe('a file', () => {
  test.each(['', '\n', '# nothing\n', '---\n', '\uFEFF', 'api-keys:\ntls:\n'])(
    'without settings has the defaults: %j',
    (text) => {
      expect(accepted(text)).toMatchObject({
        warnings: [],
        plainSecret: null,
        config: {
          host: '127.0.0.1',
          port: 8317,
          tls: null,
          clientKeys: [],
          allowUnauthenticatedRemote: false,
          authDir: '/home/ada/.cli-proxy-api',
          wsAuth: true,
          management: { allowRemote: false, secretHash: null, disableControlPanel: false, panelFile: null },
          amp: null,
          credentials: [],
          oauth: {},
        },
      });
    },
  );

  test('of the documentation of the original is understood', () => {
    const { config, plainSecret, warnings } = accepted(`
host: ""
port: 9000
tls: { enable: true, cert: cert.pem, key: /path/key.pem }
api-keys:
  - "${KEY_A}" # Team A
  - ${KEY_B}
auth-dir: ~/auth
ws-auth: false
remote-management:
  allow-remote: true
  secret-key: "strong-management-password-here"
  disable-control-panel: true
  panel-github-repository: "https://github.com/example/panel"
  panel-file: panel/management.html
ampcode:
  upstream-url: "https://ampcode.com/"
  upstream-api-key: "default-amp-key"
  upstream-api-keys:
    - upstream-api-key: "amp-key-for-team-a"
      api-keys: ["${KEY_A}"]
gemini-api-key:
  - api-key: "AIzaSy...01"
    prefix: "team-a"
claude-api-key:
  - { api-key: sk-ant-1, base-url: "https://claude.example.com/" }
codex-api-key: [{ api-key: sk-1, prefix: "" }]
openai-compatibility:
  - name: "openrouter"
    prefix: "or"
    base-url: "https://openrouter.ai/api/v1"
    api-key-entries: [{ api-key: "sk-or-v1-1" }, { api-key: "sk-or-v1-2" }]
  - { name: off, disabled: true, base-url: "https://off.example.com", api-key-entries: [{ api-key: x }] }
  - { name: local, base-url: "http://127.0.0.1:11434/v1" }
oauth:
  anthropic: { client-id: abc, authorize-url: "https://auth.example.com/a?x=1", token-url: "https://auth.example.com/t", scopes: [a, "b:c"] }
`);
    expect(warnings).toEqual([]);
    expect(plainSecret).toBe('strong-management-password-here');
    expect(config).toEqual({
      host: '',
      port: 9000,
      tls: { cert: '/etc/gateway/cert.pem', key: '/path/key.pem' },
      clientKeys: [
        { rawKey: KEY_A, label: 'Team A' },
        { rawKey: KEY_B, label: '' },
      ],
      allowUnauthenticatedRemote: false,
      authDir: '/home/ada/auth',
      wsAuth: false,
      management: {
        allowRemote: true,
        secretHash: null,
        disableControlPanel: true,
        panelFile: '/etc/gateway/panel/management.html',
      },
      amp: {
        upstreamUrl: 'https://ampcode.com',
        apiKey: 'default-amp-key',
        byClientKey: new Map([[KEY_A, 'amp-key-for-team-a']]),
      },
      credentials: [
        {
          protocol: 'gemini',
          name: 'gemini-api-key',
          apiKey: 'AIzaSy...01',
          prefix: 'team-a',
          baseUrl: 'https://generativelanguage.googleapis.com',
        },
        {
          protocol: 'claude',
          name: 'claude-api-key',
          apiKey: 'sk-ant-1',
          prefix: null,
          baseUrl: 'https://claude.example.com',
        },
        {
          protocol: 'codex',
          name: 'codex-api-key',
          apiKey: 'sk-1',
          prefix: null,
          baseUrl: 'https://api.openai.com',
        },
        {
          protocol: 'openai',
          name: 'openrouter',
          apiKey: 'sk-or-v1-1',
          prefix: 'or',
          baseUrl: 'https://openrouter.ai/api/v1',
        },
        {
          protocol: 'openai',
          name: 'openrouter',
          apiKey: 'sk-or-v1-2',
          prefix: 'or',
          baseUrl: 'https://openrouter.ai/api/v1',
        },
        { protocol: 'openai', name: 'local', apiKey: '', prefix: null, baseUrl: 'http://127.0.0.1:11434/v1' },
      ],
      oauth: {
        anthropic: {
          clientId: 'abc',
          clientSecret: '',
          authorizeUrl: 'https://auth.example.com/a?x=1',
          tokenUrl: 'https://auth.example.com/t',
          scopes: ['a', 'b:c'],
          redirectUrl: null,
          baseUrl: null,
          prefix: null,
        },
      },
    });
  });

  test('has anchors, merges and comments', () => {
    const { config } = accepted(`
common: &upstream { base-url: "https://upstream.example.com" }
keys: &keys
  - ${KEY_A} # Team A
api-keys: *keys
claude-api-key:
  - <<: *upstream
    api-key: sk-1
`);
    expect(config.clientKeys).toEqual([{ rawKey: KEY_A, label: 'Team A' }]);
    expect(config.credentials).toMatchObject([{ apiKey: 'sk-1', baseUrl: 'https://upstream.example.com' }]);
  });

  test.each([
    [`api-keys:\n  - ${KEY_A} # A\n  # below\n# further\n`, 'A'],
    [`api-keys:\n  - ${KEY_A}\n  # below\n`, ''],
    [`api-keys:\n  # above\n  - ${KEY_A}\n`, ''],
    [`api-keys: # keys\n- '${KEY_A}'   #   Team #1\n`, 'Team #1'],
    [`api-keys: [ # keys\n  ${KEY_A}, # Ada\n  ${KEY_A} ]`, 'Ada'],
    [`api-keys:\r\n  - ${KEY_A} # CRLF\r\n`, 'CRLF'],
  ])('has labels in comments behind keys: %j', (text, label) => {
    expect(accepted(text).config.clientKeys).toEqual([{ rawKey: KEY_A, label }]);
  });
});

describe('a file is refused with line and field', () => {
  test.each([
    ['port: 1\nport: 2\n', 2, '', 'Line 2 has a field that stands twice.'],
    ['tls:\n  enable: true\n  enable: false\n', 3, '', 'Line 3 has a field that stands twice.'],
    ['tls:\n\tenable: true\n', 2, '', 'Line 2 has a tab in front of it; use spaces.'],
    [
      'api-keys:\n  - "abc\n',
      3,
      '',
      'Line 3 has an opening quote or bracket that is not closed, or lacks a colon.',
    ],
    ['port: 1\n---\nport: 2\n', 2, '', 'Line 2 begins a second document; the file must have one.'],
    ['host: a: b\n', 1, '', /^Line 1 has a second ": ", so put text with a colon into quotes; or/],
    ['host: a\n  port: 1\n', 1, '', /or the line after it begins too far to the right\.$/],
    ['a: *missing\n', undefined, '', /refers to a name/],
    ['? [a, b]\n: 1\n', 1, '', 'Line 1 has a field whose name is no text.'],
    ['a: &a [*a]\n', undefined, '', /refers to/],
    [`a: ${'['.repeat(100_000)}`, undefined, '', /too deep/],
  ] as const)('when it is not YAML: %#', (text, line, field, sentence) => {
    expect(refused(text)).toEqual({
      kind: 'invalid_yaml',
      line,
      field,
      sentence: typeof sentence === 'string' ? sentence : expect.stringMatching(sentence),
    });
  });

  const longSecret = 'x'.repeat(73);
  test.each([
    ['just text\n', undefined, '', 'The file must have fields with names.'],
    ['- a\n', undefined, '', 'The file must have fields with names.'],
    ['port: "8317"\n', 1, 'port', 'Line 1: port must be a whole number from 1 to 65535.'],
    ['# x\nport: 65536\n', 2, 'port', 'Line 2: port must be a whole number from 1 to 65535.'],
    ['port: 1.5\n', 1, 'port', 'Line 1: port must be a whole number from 1 to 65535.'],
    ['host: "a b"\n', 1, 'host', 'Line 1: host must be an IP address or a host name.'],
    ['ws-auth: "yes"\n', 1, 'ws-auth', 'Line 1: ws-auth must be true or false.'],
    ['api-keys: abc\n', 1, 'api-keys', 'Line 1: api-keys must be a list.'],
    ['api-keys: {}\n', 1, 'api-keys', 'Line 1: api-keys must be a list.'],
    [
      `api-keys:\n  - ${KEY_A}\n  - 1234567890\n`,
      3,
      'api-keys[1]',
      'Line 3: api-keys[1] must be text; put it into quotes.',
    ],
    [
      `api-keys:\n  - ${KEY_A}\n  -\n`,
      3,
      'api-keys[1]',
      'Line 3: api-keys[1] must be text; put it into quotes.',
    ],
    ['api-keys: [short12]\n', 1, 'api-keys[0]', 'Line 1: api-keys[0] must have 8 to 512 characters.'],
    [
      `api-keys: [${'k'.repeat(513)}]\n`,
      1,
      'api-keys[0]',
      'Line 1: api-keys[0] must have 8 to 512 characters.',
    ],
    ['api-keys: ["with a space"]\n', 1, 'api-keys[0]', /printable ASCII/],
    ['api-keys: ["schlüssel-1"]\n', 1, 'api-keys[0]', /printable ASCII/],
    ['api-keys: [khs_abcdefgh]\n', 1, 'api-keys[0]', /must not begin with khs_/],
    ['api-keys: [pxos_abcdefgh]\n', 1, 'api-keys[0]', /must not begin with pxos_/],
    [`api-keys: [kh_${'A'.repeat(61)}]\n`, 1, 'api-keys[0]', /typing mistake/],
    ['host: 0.0.0.0\n', undefined, 'api-keys', /^api-keys must have a key while host is no loopback address/],
    ['host: ""\napi-keys: []\n', 2, 'api-keys', /^Line 2: api-keys must have a key/],
    [
      'tls:\n  enable: true\n  cert: x\n',
      1,
      'tls.key',
      'Line 1: tls.key must be a path while tls.enable is true.',
    ],
    [
      'claude-api-key:\n  - api-key: a\n  - prefix: b\n',
      3,
      'claude-api-key[1].api-key',
      'Line 3: claude-api-key[1].api-key is missing.',
    ],
    ['claude-api-key: [{ api-key: "a\\nb: c" }]\n', 1, 'claude-api-key[0].api-key', /printable ASCII/],
    ['claude-api-key: [{ api-key: "" }]\n', 1, 'claude-api-key[0].api-key', /1 to 4096/],
    ['claude-api-key: [{ api-key: a, prefix: a/b }]\n', 1, 'claude-api-key[0].prefix', /slashes/],
    [
      'claude-api-key: [{ api-key: a, base-url: "ftp://h" }]\n',
      1,
      'claude-api-key[0].base-url',
      /http or https/,
    ],
    [
      'claude-api-key: [{ api-key: a, base-url: "https://u:p@h" }]\n',
      1,
      'claude-api-key[0].base-url',
      /user name/,
    ],
    [
      'claude-api-key: [{ api-key: a, base-url: "https://h/?q" }]\n',
      1,
      'claude-api-key[0].base-url',
      /query/,
    ],
    ['claude-api-key: [{ api-key: a, base-url: "//h" }]\n', 1, 'claude-api-key[0].base-url', /http or https/],
    [
      'claude-api-key:\n  - { api-key: a, base-url: "http://2852039166" }\n',
      2,
      'claude-api-key[0].base-url',
      'Line 2: claude-api-key[0].base-url must have the address of its host in its usual form, such as 169.254.169.254.',
    ],
    ...[
      'http://0xa9.0xfe.0xa9.0xfe',
      'http://[::ffff:169.254.169.254]',
      'http://2852039166//169.254.169.254',
    ].map((url): [string, number, string, RegExp] => [
      `ampcode: { upstream-url: "${url}" }\n`,
      1,
      'ampcode.upstream-url',
      /usual form/,
    ]),
    ['openai-compatibility: [{ name: a }]\n', 1, 'openai-compatibility[0].base-url', /is missing/],
    ...['/var/lib/keyhearth/pepper', '/etc/page.html\n.txt', '.html/passwd'].map(
      (path): [string, number, string, string] => [
        `remote-management: { panel-file: ${JSON.stringify(path)} }\n`,
        1,
        'remote-management.panel-file',
        'Line 1: remote-management.panel-file must be a path that ends in ".html".',
      ],
    ),
    ['remote-management: { secret-key: 1234 }\n', 1, 'remote-management.secret-key', /must be text/],
    [`remote-management: { secret-key: ${longSecret} }\n`, 1, 'remote-management.secret-key', /72 bytes/],
    [
      'remote-management: { secret-key: $2a$10$abc }\n',
      1,
      'remote-management.secret-key',
      /begins like a bcrypt hash/,
    ],
    ['remote-management: { secret-key: "a\\nb" }\n', 1, 'remote-management.secret-key', /control characters/],
    [
      'oauth: { anthropic: { token-url: "file:///etc/passwd" } }\n',
      1,
      'oauth.anthropic.token-url',
      /http or https/,
    ],
    [`# ${'x'.repeat(1024 * 1024)}`, undefined, '', 'The file is larger than 1 MiB.'],
  ] as const)('when a field is wrong: %#', (text, line, field, sentence) => {
    expect(refused(text)).toEqual({
      kind: 'invalid_config',
      line,
      field,
      sentence: typeof sentence === 'string' ? sentence : expect.stringMatching(sentence),
    });
  });

  test('a bomb of aliases, in no time', () => {
    const levels = 'bcdefghij'.split('').map((name, i) => {
      const previous = `*${'abcdefghi'[i]},`;
      return `${name}: &${name} [${previous.repeat(10)}]`;
    });
    expect(refused(`a: &a [x,x,x]\n${levels.join('\n')}\napi-keys: *j\n`).sentence).toMatch(/too often/);
  });

  test('a map with very many names, in no time', () => {
    const names = Array.from({ length: 60_000 }, (_, i) => `field${i}: 1`);
    const before = threadCpuUsage();
    expect(refused(names.join('\n')).sentence).toBe('The file has more than 1000 fields in one place.');
    // What else runs on the machine does not count.
    expect(threadCpuUsage(before).user).toBeLessThan(5_000_000);
  });
});

describe('keys', () => {
  test.each(['127.0.0.1', '127.1.2.3', 'localhost', '::1', '"[::1]"'])('may be missing on %s', (host) => {
    expect(accepted(`host: ${host}\n`).config.clientKeys).toEqual([]);
  });

  test.each(['0.0.0.0', '"::"', '""', 'gateway.example.com', '128.0.0.1', '"::2"'])(
    'may not be missing on %s',
    (host) => {
      expect(refused(`host: ${host}\n`).field).toBe('api-keys');
      expect(accepted(`host: ${host}\napi-keys: [${KEY_A}]\n`).config.clientKeys.length).toBe(1);
      expect(accepted(`host: ${host}\nallow-unauthenticated-remote: true\n`).config.clientKeys).toEqual([]);
    },
  );

  test('may be generated ones', () => {
    const key = generateRawKey();
    expect(accepted(`api-keys: [${key}]`)).toMatchObject({
      config: { clientKeys: [{ rawKey: key }] },
      warnings: [],
    });
  });

  test('get warnings when they are short, weak or doubled', () => {
    const { config, warnings } = accepted(
      `api-keys:\n  - short-key-1\n  - your-secure-api-key-at-least-32-chars\n  - ${KEY_A}\n  - ${KEY_A}\n`,
    );
    expect(config.clientKeys.map(({ rawKey }) => rawKey)).toEqual([
      'short-key-1',
      'your-secure-api-key-at-least-32-chars',
      KEY_A,
    ]);
    expect(warnings).toEqual([
      'Line 2: api-keys[0] has fewer than 32 characters; use a longer key.',
      'Line 3: api-keys[1] is easy to guess, because it is a sample from documentation.',
      'Line 5: api-keys[3] stands in the list already.',
    ]);
  });

  test('a quote at one end of a key is a part of it, and a warning', () => {
    const parsed = accepted('api-keys:\n  - a-key-with-a-forgotten-quote-0123456"\n');
    expect(parsed.config.clientKeys.map(({ rawKey }) => rawKey)).toEqual([
      'a-key-with-a-forgotten-quote-0123456"',
    ]);
    expect(parsed.warnings).toEqual([
      'Line 2: api-keys[0] has a quote at one end, which is a part of the key.',
    ]);
  });

  test('of Amp count once', () => {
    const { config, warnings } = accepted(
      'ampcode:\n  upstream-api-keys:\n    - { upstream-api-key: one, api-keys: [a, b] }\n    - { upstream-api-key: two, api-keys: [b] }\n',
    );
    expect(config.amp?.byClientKey).toEqual(
      new Map([
        ['a', 'one'],
        ['b', 'one'],
      ]),
    );
    expect(warnings).toEqual([
      'Line 4: ampcode.upstream-api-keys[1].api-keys[0] has an upstream key already, which is used.',
    ]);
  });

  test('Amp is off without its section, and with an empty URL', () => {
    expect(accepted('ampcode: { upstream-url: "" }').config.amp).toBe(null);
    expect(accepted('ampcode: {}').config.amp).toMatchObject({
      upstreamUrl: 'https://ampcode.com',
      apiKey: null,
    });
  });
});

describe('a management key', () => {
  test('is a hash, or will be one', () => {
    const hash = `$2b$12$${'a'.repeat(53)}`;
    expect(accepted(`remote-management: { secret-key: "${hash}" }`)).toMatchObject({
      plainSecret: null,
      config: { management: { secretHash: hash } },
    });
  });
});

describe('a field that nobody uses', () => {
  test('is passed over with one warning, which names it', () => {
    const { warnings, document } = accepted(`
debug: true
routing:
  strategy: round-robin
claude-api-key:
  - { api-key: a, weight: 5 }
  - api-key: b
    weight: 1
    proxy-url: socks5://user:pass@192.0.2.1
`);
    expect(warnings).toEqual([
      'Line 2: debug is not used by the gateway.',
      'Line 3: routing is not used by the gateway.',
      'Line 6: claude-api-key[0].weight is not used by the gateway.',
      'Line 9: claude-api-key[1].proxy-url is not used by the gateway.',
    ]);
    expect(String(document)).toContain('weight: 5');
  });

  test.each([
    [
      'api-key: [a]',
      'Line 1: api-key is not used by the gateway; perhaps it is a typing mistake for api-keys.',
    ],
    [
      'apiKeys: [a]',
      'Line 1: apiKeys is not used by the gateway; perhaps it is a typing mistake for api-keys.',
    ],
    ['team-a-key-abc123: x', 'Line 1: The file has a field that the gateway does not use.'],
    ['tls:\n  enable: false\n  key-abc123: x', 'Line 3: tls has a field that the gateway does not use.'],
    ['__proto__: { host: "0.0.0.0" }', 'Line 1: The file has a field that the gateway does not use.'],
    ['constructor: 1', 'Line 1: constructor is not used by the gateway.'],
  ])('is named only when it cannot be a secret: %s', (text, warning) => {
    expect(accepted(text)).toMatchObject({
      warnings: [warning],
      config: { host: '127.0.0.1', clientKeys: [] },
    });
  });
});
