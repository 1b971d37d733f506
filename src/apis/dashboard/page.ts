/**
 * The page for one path. Its URLs are relative to that path, so that the dashboard works below any path that a proxy adds.
 * @param index the page, as it is at `/dashboard/`
 * @param path a path of the dashboard, such as `/dashboard`, `/dashboard/keys` or `/dashboard/keys/7`
 */
export const pageAt = (index: string, path: string) =>
  index.replaceAll('"./assets/', `"${wayTo(path)}assets/`);

function wayTo(path: string): string {
  const depth = path.split('/').length - DEPTH;
  return depth < 0 ? './dashboard/' : `./${'../'.repeat(depth)}`;
}

/** The parts of `/dashboard/`: an empty one, the name and an empty one. */
const DEPTH = 3;

/** What a person sees while there is no build. */
export const MISSING_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Keyhearth: the dashboard is not built</title>
<link rel="icon" href="data:,">
</head>
<body>
<h1>The dashboard is not built</h1>
<p>Keyhearth works, but it cannot find its dashboard, or may not read it. In the folder of Keyhearth, run:</p>
<pre>npm ci --include=dev &amp;&amp; npm run build</pre>
<p>Then load this page again.</p>
</body>
</html>
`;
