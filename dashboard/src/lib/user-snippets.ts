import type { Snippet } from './snippet.ts';
import { quote, shellQuote } from './snippets.ts';

/** The key is the placeholder of the seed (proxyhat.txt), until the reader puts a real one there. */
const KEY = '__API_KEY__';

/** How a program reads the account of its key, in the four languages of the seed. @param origin such as `http://localhost:8800` */
export function userSnippets(origin: string): Snippet[] {
  const url = `${origin}/v1/auth/user`;
  return [
    {
      title: 'curl',
      wraps: true,
      code: `curl ${shellQuote(url)} \\
  -H "Authorization: Bearer ${KEY}" \\
  -H "Accept: application/json"`,
    },
    {
      title: 'Python',
      note: 'It needs the package requests.',
      code: `import requests

headers = {
    "Authorization": "Bearer ${KEY}",
    "Accept": "application/json",
}

response = requests.get(${quote(url)}, headers=headers)
print(response.json())`,
    },
    {
      title: 'JavaScript',
      code: `const response = await fetch(${quote(url)}, {
  headers: {
    Authorization: "Bearer ${KEY}",
    Accept: "application/json",
  },
});

console.log(await response.json());`,
    },
    {
      title: 'Go',
      code: `package main

import (
	"io"
	"log"
	"net/http"
	"os"
)

func main() {
	request, err := http.NewRequest("GET", ${quote(url)}, nil)
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer ${KEY}")
	request.Header.Set("Accept", "application/json")

	response, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	io.Copy(os.Stdout, response.Body)
}`,
    },
  ];
}
