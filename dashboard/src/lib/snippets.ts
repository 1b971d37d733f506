import { caddy, haproxy, haproxyLua, nginx } from './proxy-snippets.ts';
import type { Snippet, SnippetParts } from './snippet.ts';

const PLACEHOLDER = 'YOUR_API_KEY';
/** The files in deploy/ listen here. */
const SERVICE = 'http://127.0.0.1:8000';

const keyOf = ({ key = PLACEHOLDER }: SnippetParts) => key;

/** A string of JavaScript, TypeScript, Python and Go. A key has printable ASCII only, so it is the same in all four. */
export const quote = (text: string) => JSON.stringify(text);

/** In double quotes, which every shell knows, when no sign in it can mean anything to a shell. Otherwise in single ones. */
export const shellQuote = (text: string) =>
  /^[\w.~:/@= -]*$/.test(text) ? `"${text}"` : `'${text.replaceAll("'", String.raw`'\''`)}'`;

const VERIFIES = 'It asks whether the key is valid, and prints the answer.';

export const curl = (parts: SnippetParts): Snippet => ({
  title: 'curl',
  wraps: true,
  note: VERIFIES,
  code: `curl ${shellQuote(`${parts.origin}/auth/verify`)} \\
  -H ${shellQuote(`X-API-Key: ${keyOf(parts)}`)}`,
});

export const python = (parts: SnippetParts): Snippet => ({
  title: 'Python',
  note: `${VERIFIES} It needs the package requests.`,
  code: `import requests

response = requests.get(
    ${quote(`${parts.origin}/auth/verify`)},
    headers={"Authorization": ${quote(`Bearer ${keyOf(parts)}`)}},
)
print(response.status_code, response.json())`,
});

export const javascript = (parts: SnippetParts): Snippet => ({
  title: 'JavaScript',
  note: VERIFIES,
  code: `const response = await fetch(${quote(`${parts.origin}/auth/verify`)}, {
  headers: { Authorization: ${quote(`Bearer ${keyOf(parts)}`)} },
});

console.log(response.status, await response.json());`,
});

export const go = (parts: SnippetParts): Snippet => ({
  title: 'Go',
  note: VERIFIES,
  code: `package main

import (
	"io"
	"log"
	"net/http"
	"os"
)

func main() {
	request, err := http.NewRequest("GET", ${quote(`${parts.origin}/auth/verify`)}, nil)
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("Authorization", ${quote(`Bearer ${keyOf(parts)}`)})

	response, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	log.Println(response.Status)
	io.Copy(os.Stdout, response.Body)
}`,
});

export const openai = (parts: SnippetParts): Snippet => ({
  title: 'OpenAI SDK',
  note: 'For a service with the API of OpenAI, behind a proxy that asks Keyhearth. Change the address to the one of your proxy.',
  code: `from openai import OpenAI

client = OpenAI(
    base_url=${quote(`${parts.service ?? SERVICE}/v1`)},
    api_key=${quote(keyOf(parts))},
)`,
});

export const typescript = (parts: SnippetParts): Snippet => ({
  title: 'TypeScript',
  note: 'For a service that receives keys from its own clients, without a proxy in front. Its own key needs the scope keys:verify.',
  code: `const SERVICE_KEY = ${quote(keyOf(parts))};

type Result = { valid: boolean; code: string };

/** Asks whether the key that a client sent is valid. \`ip\` is the address of the client. */
export async function verifyKey(key: string, ip: string): Promise<Result> {
  const response = await fetch(${quote(`${parts.origin}/auth/verify`)}, {
    method: "POST",
    headers: { "X-API-Key": SERVICE_KEY, "Content-Type": "application/json" },
    body: JSON.stringify({ key, ip }),
  });
  if (!response.ok) throw new Error(\`Keyhearth answered with status \${response.status}.\`);
  return (await response.json()) as Result;
}`,
});

/** How a program proves its own key. */
export const clientSnippets = (parts: SnippetParts): Snippet[] => [
  curl(parts),
  python(parts),
  javascript(parts),
  go(parts),
];

const proxySnippets = (parts: SnippetParts): Snippet[] => [
  nginx(parts),
  caddy(parts),
  haproxy(parts),
  haproxyLua(),
];

/** How a proxy, or your own code, asks about the keys of clients. */
export const guardSnippets = (parts: SnippetParts): Snippet[] => [...proxySnippets(parts), typescript(parts)];

/** What to do with one key. @param mayVerify whether the key may ask about other keys */
export const keySnippets = ({ mayVerify, ...parts }: SnippetParts & { mayVerify: boolean }): Snippet[] => [
  ...clientSnippets(parts),
  openai(parts),
  ...proxySnippets(parts),
  typescript(mayVerify ? parts : { origin: parts.origin }),
];
