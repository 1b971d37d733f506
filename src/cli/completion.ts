import type { Command } from 'commander';

/** What a shell offers after a command: subcommands, values of an argument, and options. Some options know their values. */
type Entry = { word: string; description: string; takesValue: boolean; values: readonly string[] };
/** `path` is the names from the program to the command, with `/` between them. */
export type Node = { path: string; entries: readonly Entry[] };

const plain = (word: string, description: string): Entry => ({
  word,
  description,
  takesValue: false,
  values: [],
});

/** All commands of a program, the program first. */
export function nodesOf(program: Command): Node[] {
  const visit = (command: Command, path: string): Node[] => {
    const commands = command.commands.map((each) => plain(each.name(), each.description()));
    const values = command.registeredArguments.flatMap(({ argChoices = [], description }) =>
      argChoices.map((value) => plain(value, description)),
    );
    const globals = command.createHelp().visibleGlobalOptions(command);
    const shown = globals.filter(({ long }) => long !== '--version');
    const options = [...command.options, ...shown].map((option) => ({
      word: option.long ?? option.flags,
      description: option.description,
      takesValue: option.required,
      values: option.argChoices ?? [],
    }));
    const help = plain('--help', 'show the options');
    const below = command.commands.flatMap((each) =>
      visit(each, path === '' ? each.name() : `${path}/${each.name()}`),
    );
    return [{ path, entries: [...commands, ...values, ...options, help] }, ...below];
  };
  return visit(program, '');
}

const namesOf = (nodes: readonly Node[]) => nodes.map(({ path }) => path).filter((path) => path !== '');
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/** Calls `line` for each option that takes a value, with the command and the option, and the values that it knows. */
const linesOfValues = (nodes: readonly Node[], line: (after: string, values: readonly string[]) => string) =>
  nodes
    .flatMap(({ path, entries }) =>
      entries
        .filter(({ takesValue }) => takesValue)
        .map(({ word, values }) => line(quoted(`${path} ${word}`), values)),
    )
    .join('\n');

const bash = (nodes: readonly Node[]): string => `# Completion of keyhearth for bash.
_keyhearth() {
  local path= word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case " ${namesOf(nodes).join(' ')} " in
      *" \${path:+$path/}$word "*) path=\${path:+$path/}$word ;;
    esac
  done
  local words=
  case $path in
${nodes.map(({ path, entries }) => `    ${quoted(path)}) words=${quoted(entries.map(({ word }) => word).join(' '))} ;;`).join('\n')}
  esac
  # Without values, the shell offers files.
  case "$path \${COMP_WORDS[COMP_CWORD-1]}" in
${linesOfValues(nodes, (after, values) => `    ${after}) words=${quoted(values.join(' '))} ;;`)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _keyhearth keyhearth
`;

const zshEntry = ({ word, description }: Entry) => quoted(`${word.replaceAll(':', '\\:')}:${description}`);

const zsh = (nodes: readonly Node[]): string => `#compdef keyhearth
# Completion of keyhearth for zsh.
_keyhearth() {
  local place= word
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case " ${namesOf(nodes).join(' ')} " in
      *" \${place:+$place/}$word "*) place=\${place:+$place/}$word ;;
    esac
  done
  local -a entries
  case $place in
${nodes.map(({ path, entries }) => `    ${quoted(path)}) entries=(${entries.map(zshEntry).join(' ')}) ;;`).join('\n')}
  esac
  case "$place \${words[CURRENT-1]}" in
${linesOfValues(nodes, (after, values) => `    ${after}) entries=(${values.map(quoted).join(' ')}) ;;`)}
  esac
  _describe -o keyhearth entries || _files
}
compdef _keyhearth keyhearth
`;

const fishEntry = (path: string, { word, description, takesValue, values }: Entry) => {
  const what = word.startsWith('--')
    ? `-l ${word.slice(2)}${takesValue ? ' -r' : ''}${values.length > 0 ? ` -a ${quoted(values.join(' '))}` : ''}`
    : `-a ${word}`;
  const isFile = word === '--key-file' ? ' -F' : '';
  // In quotes, fish reads \\' as a quote.
  const about = `'${description.replaceAll("'", "\\'")}'`;
  return `complete -c keyhearth -n '__keyhearth_at "${path}"' ${what}${isFile} -d ${about}`;
};

const fish = (nodes: readonly Node[]): string => `# Completion of keyhearth for fish.
function __keyhearth_at
  set -l place ''
  for word in (commandline -opc)[2..]
    set -l next (string trim --left --chars=/ -- "$place/$word")
    contains -- $next ${namesOf(nodes).join(' ')}; and set place $next
  end
  test "$place" = "$argv[1]"
end
complete -c keyhearth -f
${nodes.flatMap(({ path, entries }) => entries.map((entry) => fishEntry(path, entry))).join('\n')}
`;

/** The script of each shell. */
export const SHELLS: Readonly<Record<string, (nodes: readonly Node[]) => string>> = { bash, zsh, fish };
