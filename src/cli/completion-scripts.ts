/** The shells that have a script. */
export const shells = ['bash', 'zsh', 'fish'] as const;

export type Shell = (typeof shells)[number];

/** Scripts that ask `mailctl complete -- WORDS` for what may stand next, and leave file names to the shell. They need no other package. */
export const scripts: Readonly<Record<Shell, string>> = {
  bash: `# bash completion for mailctl
_mailctl() {
  local words=() line i
  # bash makes a word of the = in --flag=value.
  for ((i = 1; i <= COMP_CWORD; i++)); do
    [[ \${COMP_WORDS[i]} == = ]] || words+=("\${COMP_WORDS[i]}")
  done
  [[ \${COMP_WORDS[COMP_CWORD]} == = ]] && words+=("")
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("\${line%%$'\\t'*}")
  done < <("$1" complete -- "\${words[@]}" 2>/dev/null)
}
complete -o default -F _mailctl mailctl
`,
  zsh: `#compdef mailctl
_mailctl() {
  local -a candidates
  local value description
  while IFS=$'\\t' read -r value description; do
    candidates+=("\${value//:/\\\\:}:$description")
  done < <("\${words[1]}" complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( $#candidates )); then
    _describe mailctl candidates
  else
    _files
  fi
}
if [[ "\${funcstack[1]}" == _mailctl ]]; then
  _mailctl "$@"
else
  compdef _mailctl mailctl
fi
`,
  fish: `# fish completion for mailctl
function __mailctl_complete
  set -l words (commandline -opc)
  set -l current (commandline -ct)
  set -l candidates ($words[1] complete -- $words[2..] "$current" 2>/dev/null)
  if test (count $candidates) -gt 0
    printf '%s\\n' $candidates
  else
    __fish_complete_path "$current"
  end
end
complete -c mailctl -f -a '(__mailctl_complete)'
`,
};
