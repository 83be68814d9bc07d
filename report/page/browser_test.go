package page_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"mailaudit/audit"
	"mailaudit/report/reporttest"
)

// browser opens a night's page in Chromium. Without one the test is skipped, or fails where
// MAILAUDIT_TEST_REQUIRE is set.
func browser(t *testing.T, n reporttest.Night, width, height int64) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		if os.Getenv("MAILAUDIT_TEST_REQUIRE") == "1" {
			t.Fatal("no Chromium to open the page in")
		}
		t.Skip("no Chromium to open the page in")
	}
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, render(t, n), 0o644); err != nil {
		t.Fatal(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.WindowSize(int(width), int(height)), chromedp.Flag("disable-dev-shm-usage", true))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithErrorf(func(string, ...any) {})) // it logs events that it does not know
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	do(t, ctx, chromedp.EmulateViewport(width, height), chromedp.Navigate("file://"+file), chromedp.WaitReady("body"))
	return ctx
}

func do(t *testing.T, ctx context.Context, actions ...chromedp.Action) {
	t.Helper()
	if err := chromedp.Run(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

func says(t *testing.T, ctx context.Context, selector, want string) {
	t.Helper()
	var got string
	do(t, ctx, chromedp.Text(selector, &got, chromedp.ByQuery))
	if !strings.Contains(got, want) {
		t.Errorf("%s says %q, want %q", selector, got, want)
	}
}

// withPast tells of an account's history, which a store does and the nights of reporttest do not.
func withPast(n reporttest.Night) reporttest.Night {
	n.Store.Past = func(id string) audit.History {
		return audit.History{Changes: []audit.Change{
			{AccountID: id, RunKey: "2026-10-01", Seq: 60, Settled: audit.Settled{Verdict: audit.Compliant, Rule: "google/accepted"}},
			{AccountID: id, RunKey: reporttest.Key, Seq: 112, Previous: audit.Compliant, Settled: audit.Settled{Verdict: audit.Revoked, Reply: "535 <script>alert(1)</script>"}},
		}}
	}
	return n
}

func TestBrowserTwentyThousandFindings(t *testing.T) {
	ctx := browser(t, withPast(reporttest.Huge(20_000)), 1200, 900)
	says(t, ctx, "#shown", "20,000 of 20,000 findings")

	// Each key press is measured from the key to the frame that shows its result.
	do(t, ctx, chromedp.Evaluate(`const q = document.getElementById("q"); window.took = []; let pressed;
		q.addEventListener("keydown", () => { pressed = performance.now(); });
		q.addEventListener("input", () => requestAnimationFrame(() => { const c = new MessageChannel();
			c.port1.onmessage = () => window.took.push(performance.now() - pressed); c.port2.postMessage(0); }));`, nil),
		chromedp.Click("#q"))
	for _, key := range "a-1510" {
		do(t, ctx, chromedp.KeyEvent(string(key)), chromedp.Sleep(50*time.Millisecond))
	}
	var took []float64
	do(t, ctx, chromedp.Evaluate(`window.took`, &took))
	t.Logf("from a key to what it shows: %.0f ms", took)
	if len(took) == 0 { // how long is for people to read: machines differ
		t.Error("no key press was measured")
	}
	says(t, ctx, "#shown", "10 of 20,000 findings")
	says(t, ctx, "#list tbody.rows", "A-15109")

	// Sorted by account, downwards, through the headings.
	do(t, ctx, chromedp.Click("#q"), chromedp.KeyEvent("a", chromedp.KeyModifiers(2)), chromedp.KeyEvent(kb.Backspace))
	says(t, ctx, "#shown", "20,000 of 20,000 findings")
	first := `#list th[data-column="0"]`
	do(t, ctx, chromedp.Click(first+" button"), chromedp.Click(first+" button"))
	says(t, ctx, "#list tbody.rows th", "A-20100")
	var order string
	do(t, ctx, chromedp.AttributeValue(first, "aria-sort", &order, nil))
	if order != "descending" {
		t.Errorf("aria-sort is %q", order)
	}

	// Few rows stand in the page at a time, and the last can be reached.
	var rows int
	do(t, ctx, chromedp.Evaluate(`document.querySelectorAll("#list tbody.rows tr").length`, &rows),
		chromedp.Evaluate(`document.getElementById("list").scrollTop = 1e9`, nil), chromedp.Sleep(200*time.Millisecond))
	if rows > 100 {
		t.Errorf("%d rows in the page", rows)
	}
	says(t, ctx, "#list tbody.rows tr:last-child th", "A-00101")

	// Filtered by what a keyboard chooses.
	do(t, ctx, chromedp.Focus("#f-verdict"), chromedp.KeyEvent("m"))
	says(t, ctx, "#shown", "5,000 of 20,000 findings")
}

func TestBrowserAnAccount(t *testing.T) {
	ctx := browser(t, withPast(reporttest.Hostile()), 1200, 900)
	do(t, ctx, chromedp.Click("#list tbody.rows button"), chromedp.WaitVisible("dialog[open]"))
	for _, want := range []string{"History", "2026-10-01", "<script>alert(1)</script>", "mailaudit explain"} {
		says(t, ctx, "dialog", want)
	}
	var open bool
	do(t, ctx, chromedp.KeyEvent(kb.Escape), chromedp.Sleep(100*time.Millisecond), chromedp.Evaluate(`document.getElementById("account").open`, &open))
	if open {
		t.Error("Escape did not close the account")
	}
	var elements int
	do(t, ctx, chromedp.Evaluate(`document.querySelectorAll("script").length`, &elements))
	if elements != 2 {
		t.Errorf("%d scripts: data became one", elements)
	}
	// A link from Slack leads to its part of the list.
	do(t, ctx, chromedp.Evaluate(`location.hash = "unverified"`, nil), chromedp.Sleep(100*time.Millisecond))
	says(t, ctx, "#shown", "4 of ")
}

// What a reader does after a glance: a provider's row, a list, an account, the shown rows as a file.
func TestBrowserFromATableToItsFindings(t *testing.T) {
	ctx := browser(t, reporttest.Typical(), 1280, 900)
	do(t, ctx, chromedp.Click(`a[data-filter="provider=Microsoft"]`), chromedp.Sleep(100*time.Millisecond))
	says(t, ctx, "#shown", "3,780 of ")
	do(t, ctx, chromedp.Click(`a[data-filter="verdict=revoked"]`), chromedp.Sleep(100*time.Millisecond))
	says(t, ctx, "#list tbody.rows", "revoked")

	var wide int
	do(t, ctx, chromedp.Evaluate(`document.getElementById("list").scrollWidth - document.getElementById("list").clientWidth`, &wide))
	if wide > 0 {
		t.Errorf("the list is %d px wider than its frame", wide)
	}

	// The file holds what is shown, under the titles of the columns.
	var file string
	do(t, ctx, chromedp.Evaluate(`window.saved = ""; const made = URL.createObjectURL; URL.createObjectURL = (b) => { b.text().then((t) => { window.saved = t; }); return made.call(URL, b); };
		document.getElementById("csv").click()`, nil), chromedp.Sleep(300*time.Millisecond), chromedp.Evaluate(`window.saved`, &file))
	lines := strings.Split(strings.TrimSpace(file), "\r\n")
	var shown string
	do(t, ctx, chromedp.Text("#shown", &shown, chromedp.ByQuery))
	if want := strconv.Itoa(len(lines)-1) + " of "; !strings.HasPrefix(lines[0], `"Account","Tenant","Tenant's name"`) || !strings.HasPrefix(shown, want) {
		t.Errorf("%d lines in the file, %q shown; it begins with %s", len(lines), shown, lines[0])
	}

	for _, link := range []string{`a[rel=prev][href="../2026-11-22/report.html"]`, `a[rel=next][href="next.html"]`} {
		do(t, ctx, chromedp.WaitReady(link, chromedp.ByQuery))
	}
}

// An account opens at its top, also on a phone, with the way to the product and a command that can be pasted.
func TestBrowserAnAccountOnAPhone(t *testing.T) {
	ctx := browser(t, withPast(reporttest.Typical()), 375, 700)
	do(t, ctx, chromedp.Click("#list tbody.rows button"), chromedp.WaitVisible("dialog[open]"))
	var top, href string
	var scrolled float64
	do(t, ctx, chromedp.Evaluate(`document.getElementById("account").scrollTop`, &scrolled),
		chromedp.Evaluate(`document.activeElement.id`, &top),
		chromedp.Evaluate(`document.querySelector("#account a").href`, &href))
	if scrolled != 0 || top != "account-id" {
		t.Errorf("the account opens %v px below its top, with the focus on %q", scrolled, top)
	}
	if !strings.HasPrefix(href, "https://app.example.com/tenants/T-") || !strings.Contains(href, "?account=A-") {
		t.Errorf("the way to the product leads to %s", href)
	}
	says(t, ctx, "dialog", "kubectl -n mail exec deploy/mailaudit -- mailaudit explain A-")
	says(t, ctx, "dialog", "M-47")
}

func TestBrowserPhoneAndPrint(t *testing.T) {
	ctx := browser(t, reporttest.Typical(), 375, 700)
	var over int
	do(t, ctx, chromedp.Evaluate(`document.documentElement.scrollWidth - document.documentElement.clientWidth`, &over))
	if over > 0 {
		t.Errorf("%d px wider than a phone", over)
	}
	says(t, ctx, "#list", "A-11975")
	do(t, ctx, chromedp.ActionFunc(func(ctx context.Context) error {
		pdf, _, err := page.PrintToPDF().Do(ctx)
		if err == nil && len(pdf) < 20_000 {
			t.Errorf("printed %d bytes", len(pdf))
		}
		return err
	}))
	var rows int
	do(t, ctx, chromedp.Evaluate(`dispatchEvent(new Event("beforeprint")); document.querySelectorAll("#list tbody.rows tr").length`, &rows))
	if rows != 500 {
		t.Errorf("%d rows are printed", rows)
	}
}
