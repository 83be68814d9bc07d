//go:build unix

package config

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A password in a file that others may read is told of by its key; one that stands elsewhere, or that its owner alone
// reads, is not.
func TestExposedSecretsAreNamed(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("canary-4711"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := func(name string) (string, bool) {
		return map[string]string{"SECRET": "canary-4711"}[name], name == "SECRET"
	}
	for _, tt := range []struct {
		mode os.FileMode
		text string
		want string // the key, "" for no warning
	}{
		{0o644, "relay: {url: \"smtp://r.example\", username: u, password: canary-4711}\n", "relay.password"},
		{0o604, "slack: {token: canary-4711, channel: x}\n", "slack.token"},
		{0o640, "dead_man_url: https://watch.example/canary-4711\n", "dead_man_url"},
		{0o644, "database: postgres://u:canary-4711@h/n\n", "database"},
		{0o644, "database: postgres://u@h/n?password=canary-4711\n", "database"},
		{0o600, "relay: {url: \"smtp://r.example\", username: u, password: canary-4711}\n", ""},
		{0o644, "relay: {url: \"smtp://r.example\", username: u, password: \"${SECRET}\"}\n", ""},
		{0o644, "relay: {url: \"smtp://r.example\", username: u, password: \"${file:" + secret + "}\"}\n", ""},
		{0o644, "database: postgres://u@h/n\n", ""},
		{0o644, "window: 3h\n", ""},
	} {
		path := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, tt.mode); err != nil {
			t.Fatal(err)
		}
		c, err := Load(path, env)
		if err != nil {
			t.Fatal(tt.text, err)
		}
		got := c.Exposed()
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) || strings.Contains(got, "canary") {
			t.Errorf("mode %o, %q: %q, want %q", tt.mode, tt.text, got, tt.want)
		}
	}
}

// A pipe would hold the start for ever, a device has no end.
func TestPipesAndDevicesAreNoSecretFiles(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(pipe, link); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{pipe, link, "/dev/zero", "/dev/null", dir} {
		path := filepath.Join(dir, "c.yaml")
		if err := os.WriteFile(path, []byte("relay:\n  password: ${file:"+name+"}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() {
			_, err := Load(path, func(string) (string, bool) { return "", false })
			done <- err
		}()
		select {
		case err := <-done:
			if err == nil || !strings.Contains(err.Error(), "not a regular file") {
				t.Errorf("%s: %v", name, err)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: the start hangs", name)
		}
	}
}
