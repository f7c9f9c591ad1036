/** Shells for which there is a completion script. */
export const COMPLETION_SHELLS = ["bash", "zsh", "fish"] as const;

/** A shell with completion. */
export type CompletionShell = (typeof COMPLETION_SHELLS)[number];

const SCRIPTS: Readonly<Record<CompletionShell, string>> = {
  bash: `# Completion for kopia in bash: eval "$(kopia --completion-script-bash)"
_kopia_completions() {
  local words
  words=$("\${COMP_WORDS[0]}" --completion-bash "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  local typed=\${COMP_WORDS[COMP_CWORD]}
  [ "$typed" = "=" ] && typed=
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$typed")
}
complete -o default -F _kopia_completions kopia
`,
  zsh: `#compdef kopia
# Completion for kopia in zsh: eval "$(kopia --completion-script-zsh)"
_kopia() {
  local -a found
  found=(\${(f)"$(\${words[1]} --completion-bash "\${(@)words[2,$CURRENT]}" 2>/dev/null)"})
  if (( \${#found} )); then
    compadd -a found
  else
    _files
  fi
}
if [ "$funcstack[1]" = "_kopia" ]; then
  _kopia "$@"
else
  compdef _kopia kopia
fi
`,
  fish: `# Completion for kopia in fish: kopia --completion-script-fish | source
function __kopia_completions
  set -l typed (commandline -opc) (commandline -ct)
  set -l found ($typed[1] --completion-bash $typed[2..-1] 2>/dev/null)
  if set -q found[1]
    string join \\n -- $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c kopia -f -a '(__kopia_completions)'
`,
};

/** The script that teaches a shell to complete command lines. */
export function completionScript(shell: CompletionShell): string {
  return SCRIPTS[shell];
}
