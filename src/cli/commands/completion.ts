import { Argument, type Command } from 'commander';
import type { Context } from '../context.ts';
import { onOwnFiles } from '../without-service.ts';

const EXAMPLES = `
Examples:
  source <(keyhearth completion bash)         in ~/.bashrc
  source <(keyhearth completion zsh)          in ~/.zshrc, after compinit
  keyhearth completion fish > ~/.config/fish/completions/keyhearth.fish`;

/** Prints what makes a shell complete commands and options. Add it last, because it describes all others. */
export function addCompletion(program: Command, { output }: Context): void {
  onOwnFiles(program.command('completion'))
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .description('print a script that completes commands and options in your shell')
    .addHelpText('after', EXAMPLES)
    .action(async (shell: string) => {
      const { nodesOf, SHELLS } = await import('../completion.ts');
      output.text(SHELLS[shell]?.(nodesOf(program)) ?? '');
    });
}
