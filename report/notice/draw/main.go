// Command draw redraws the pictures of the guides: for each guide/pictures/screens.txt that it is given, one
// PNG beside it for each screen and language, by way of a headless Chromium. It is run by "make pictures".
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"html/template"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"

	_ "embed"
)

//go:embed sheet.html.tmpl
var sheetTemplate string

var sheet = template.Must(template.New("sheet").Parse(sheetTemplate))

const (
	width     = 540     // CSS pixels of a screen: a phone shows it at half of that and more, where it must be read
	tall      = 900     // CSS pixels that a screen may need at most
	perSheet  = 6       // screens drawn at once: Chromium's pictures are at most 16384 pixels high
	scale     = 5.0 / 3 // pixels for a CSS pixel
	separator = 20      // CSS pixels of the line between two screens
)

func main() {
	chromium := flag.String("chromium", "chromium", "the browser that draws")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	for _, source := range flag.Args() {
		if err := draw(ctx, *chromium, source); err != nil {
			fmt.Fprintln(os.Stderr, "draw:", err)
			os.Exit(1)
		}
	}
}

func draw(ctx context.Context, chromium, source string) error {
	text, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	screens, err := parseScreens(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	for _, language := range languages {
		for rest := screens; len(rest) > 0; {
			n := min(perSheet, len(rest))
			if err := drawSheet(ctx, chromium, filepath.Dir(source), language, rest[:n]); err != nil {
				return fmt.Errorf("%s: %w", source, err)
			}
			rest = rest[n:]
		}
	}
	return nil
}

// drawSheet draws screens one below the other and cuts them apart.
func drawSheet(ctx context.Context, chromium, dir, language string, screens []screen) error {
	tmp, err := os.MkdirTemp("", "draw")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	var page bytes.Buffer
	said := make([]screen, len(screens))
	for i, s := range screens {
		said[i] = s.in(language)
	}
	if err := sheet.Execute(&page, map[string]any{"Width": width, "Separator": separator, "Screens": said}); err != nil {
		return err
	}
	in, out := filepath.Join(tmp, "sheet.html"), filepath.Join(tmp, "sheet.png")
	if err := os.WriteFile(in, page.Bytes(), 0o600); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
		"--user-data-dir="+filepath.Join(tmp, "profile"), fmt.Sprintf("--force-device-scale-factor=%v", scale),
		fmt.Sprintf("--window-size=%d,%d", width, tall*len(screens)), "--screenshot="+out, "file://"+in)
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("run %s: %w: %s", chromium, err, said)
	}
	pictures, err := cut(out)
	if err != nil {
		return err
	}
	if len(pictures) != len(screens) {
		return fmt.Errorf("%d screens came out as %d pictures: is one higher than %d pixels?", len(screens), len(pictures), tall)
	}
	for i, s := range screens {
		if err := save(filepath.Join(dir, s.Name+"."+language+".png"), pictures[i]); err != nil {
			return err
		}
	}
	return nil
}
