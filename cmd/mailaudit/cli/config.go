package cli

import (
	"encoding/json"
	"fmt"

	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/config"
)

type configCmd struct {
	Check configCheckCmd `cmd:"" help:"Validate the configuration and name what is dangerous in it. Offline."`
	Show  configShowCmd  `cmd:"" help:"The configuration in effect, defaults included; secrets are hidden."`
}

type configCheckCmd struct {
	Format string `enum:"text,json" default:"text" help:"text or json."`
}

// Run is reached with a valid configuration alone: any other is a usage error that names line and key.
func (k configCheckCmd) Run(s *app.Setup) error {
	dangers := s.Config.Dangers()
	if k.Format == "json" {
		return writeIndented(s.Env.Stdout, struct {
			File    string          `json:"file"`
			Dangers []config.Danger `json:"dangers"`
		}{s.ConfigFile, append([]config.Danger{}, dangers...)})
	}
	name := s.ConfigFile
	if name == "" {
		name = "no file: the defaults"
	}
	if _, err := fmt.Fprintf(s.Env.Stdout, "%s: valid, %s\n", name, app.HowMany(len(dangers), "warning")); err != nil {
		return err
	}
	for _, d := range dangers {
		if _, err := fmt.Fprintf(s.Env.Stdout, "\n%s\n    %s\n    fix: %s\n", d.Key, d.What, d.Fix); err != nil {
			return err
		}
	}
	return nil
}

type configShowCmd struct {
	Format string `enum:"yaml,json" default:"yaml" help:"yaml or json."`
}

func (k configShowCmd) Run(s *app.Setup) error {
	if k.Format == "json" {
		return json.NewEncoder(s.Env.Stdout).Encode(s.Config.Shown())
	}
	return s.Config.Show(s.Env.Stdout)
}
