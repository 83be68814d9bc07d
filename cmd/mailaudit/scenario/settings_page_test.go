package scenario

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"mailaudit/providers/sim"
)

// The example of deploy/screens in a browser: a customer saves a wrong password and sees the guide, saves the right one and sees
// that it works; when the day's attempts are used up, the page says from which hour it can be checked again.
func TestTheExamplePageInABrowser(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"chromium", "python3", "curl"} {
		if _, err := exec.LookPath(name); err != nil {
			needed(t, []string{name})
			return
		}
	}
	s := serveScene(t)
	s.settings["notices"] = `{mode: live, send_between: "", confirm_nights: 1, guide_url: "https://help.product.example/mail"}`
	s.settings["attempts_per_day"] = "2"
	s.atNight(0)
	s.done("run")
	p := s.withScreens(0, 9*time.Hour)

	product := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secret, err := io.ReadAll(r.Body)
		if err != nil || r.URL.Path != "/bad" {
			t.Errorf("stored %s: %v", r.URL.Path, err)
		}
		s.stores(string(secret))
	}))
	t.Cleanup(product.Close)
	store := s.path("store-secret")
	s.need(os.WriteFile(store, fmt.Appendf(nil, "#!/bin/sh\nexec curl --silent --fail --data-binary @- %s/\"$1\"\n", product.URL), 0o755))
	page := freeAddress(t)
	const example = "../../../deploy/screens/"
	for _, name := range []string{"server.py", "settings.html"} { // so that go test runs anew where they have changed
		_, err := os.ReadFile(example + name)
		s.need(err)
	}
	cmd := exec.CommandContext(t.Context(), "python3", example+"server.py", "--api", p.api, "--listen", page, "--store", store)
	cmd.Env = append(os.Environ(), "MAILAUDIT_TOKEN="+sceneToken)
	said := &lockedBuffer{}
	cmd.Stdout, cmd.Stderr = said, said
	s.need(cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	within(t, "the page is served", func() bool {
		resp, err := http.Get("http://" + page + "/settings/bad")
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	})

	ctx := chromium(t)
	saves := func(password, want string) string {
		t.Helper()
		var text string
		err := chromedp.Run(ctx,
			chromedp.Navigate("http://"+page+"/settings/bad"), chromedp.WaitVisible("#password"), chromedp.SendKeys("#password", password),
			chromedp.Click("#save"), chromedp.Poll(`document.getElementById("result").textContent.length > 0 && !document.getElementById("save").disabled`, nil),
			chromedp.OuterHTML("#result", &text, chromedp.ByQuery))
		s.need(err)
		if !strings.Contains(text, want) {
			t.Fatalf("the page says %s, want %q\n%s", text, want, said)
		}
		return text
	}
	if text := saves("wrongwrongwrongw", "does not take this password"); !strings.Contains(text, `href="https://help.product.example/mail/en/google-`) {
		t.Errorf("no guide: %s", text)
	}
	s.world.Set("bad@gmail.com", sim.Account{Password: "own", AppPasswords: []string{"rightrightrightr"}, TwoFactor: true})
	saves("rightrightrightr", "This mailbox works.")
	saves("rightrightrightr", "This mailbox works.")
	if text := saves("rightrightrightr", "can be checked again from"); !hourForm.MatchString(text) {
		t.Errorf("no hour: %s", text)
	}
	if strings.Contains(said.String(), "wrongwrong") || strings.Contains(said.String(), "rightright") {
		t.Error("the example says a password")
	}
}

// chromium is a browser without a window.
func chromium(t *testing.T) context.Context {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.Flag("disable-dev-shm-usage", true))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithErrorf(func(string, ...any) {})) // it logs events that it does not know
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

var hourForm = regexp.MustCompile(`from \w+ \d\d:\d\d`)
