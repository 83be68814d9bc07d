package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"mailaudit/cmd/mailaudit/app"
)

// completionCmd prints a script that knows the commands and flags of this version. The libraries for kong complete by
// calling the program at each key, and bring three more modules; a list is enough here.
type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

func (k completionCmd) Run(parsed *kong.Context, env *app.Env) error {
	words := completions(parsed.Model.Node)
	var script string
	switch k.Shell {
	case "bash":
		script = bashCompletion(words)
	case "zsh":
		script = "#compdef mailaudit\nautoload -U +X bashcompinit && bashcompinit\n" + bashCompletion(words)
	case "fish":
		script = fishCompletion(words)
	}
	_, err := fmt.Fprint(env.Stdout, script)
	return err
}

// completion is what may follow a command path: "notices release" is followed by its flags.
type completion struct {
	path  string // "" for the program itself
	words []string
}

func completions(n *kong.Node) []completion {
	one := completion{path: strings.TrimPrefix(n.FullPath(), "mailaudit")}
	one.path = strings.TrimSpace(one.path)
	for _, child := range n.Children {
		if !child.Hidden {
			one.words = append(one.words, child.Name)
		}
	}
	for _, level := range n.AllFlags(true) {
		for _, flag := range level {
			one.words = append(one.words, "--"+flag.Name)
		}
	}
	for _, arg := range n.Positional {
		one.words = append(one.words, arg.EnumSlice()...)
	}
	one.words = slices.DeleteFunc(one.words, func(w string) bool { return w == "" })
	all := []completion{one}
	for _, child := range n.Children {
		if !child.Hidden {
			all = append(all, completions(child)...)
		}
	}
	return all
}

// bashCompletion completes files where no word fits.
func bashCompletion(all []completion) string {
	var b strings.Builder
	b.WriteString("_mailaudit() {\n\tlocal word path=\"\" words=\"\"\n\tfor word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n\t\tcase $word in -*) ;; *) path=\"${path:+$path }$word\" ;; esac\n\tdone\n")
	b.WriteString("\tcase $path in\n")
	for _, c := range slices.Backward(all) {
		fmt.Fprintf(&b, "\t%s) words=%q ;;\n", bashPattern(c.path), strings.Join(c.words, " "))
	}
	b.WriteString("\tesac\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\ncomplete -o default -F _mailaudit mailaudit\n")
	return b.String()
}

// bashPattern matches a command path and what follows it; longer paths stand first.
func bashPattern(path string) string {
	if path == "" {
		return `""`
	}
	return fmt.Sprintf(`%q|%q*`, path, path+" ")
}

func fishCompletion(all []completion) string {
	var b strings.Builder
	b.WriteString("complete -c mailaudit -e\n")
	for _, c := range all {
		condition := "__fish_use_subcommand"
		if c.path != "" {
			condition = "__fish_seen_subcommand_from " + strings.Join(strings.Fields(c.path), "; and __fish_seen_subcommand_from ")
		}
		for _, w := range c.words {
			if flag, isFlag := strings.CutPrefix(w, "--"); isFlag {
				fmt.Fprintf(&b, "complete -c mailaudit -n %q -l %s\n", condition, flag)
			} else {
				fmt.Fprintf(&b, "complete -c mailaudit -f -n %q -a %s\n", condition, w)
			}
		}
	}
	return b.String()
}
