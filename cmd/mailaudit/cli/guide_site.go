package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"mailaudit/cmd/mailaudit/app"
	"mailaudit/report/notice"
)

// writeSite writes the guide pages into a folder. Files that are there already and are not of the site stay.
func (k guideCmd) writeSite(s *app.Setup) error {
	var only []string
	if k.Provider != "" {
		p, err := app.MustProvider(k.Provider)
		if err != nil {
			return err
		}
		only = append(only, p.Name)
	}
	settings, err := s.LetterSettings()
	if err != nil {
		return err
	}
	files, err := notice.Site(settings, only...)
	if err != nil {
		return fmt.Errorf("guide pages: %w", err)
	}
	for _, f := range files {
		name := filepath.Join(k.Site, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return fmt.Errorf("guide pages: %w", err)
		}
		if err := os.WriteFile(name, f.Data, 0o644); err != nil {
			return fmt.Errorf("guide pages: %w", err)
		}
	}
	_, err = fmt.Fprintf(s.Env.Stdout, "%d files in %s; serve the folder at notices.guide_url\n", len(files), k.Site)
	return err
}
