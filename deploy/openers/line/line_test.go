package line

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func reverse(id string, sealed []byte) ([]byte, error) {
	if id == "no" {
		return nil, errors.New("no such key")
	}
	slices.Reverse(sealed)
	return sealed, nil
}

func TestServe(t *testing.T) {
	var out strings.Builder
	in := `{"account_id": "a", "secret": "bmVwbw=="}` + "\n" + `{"account_id": "no", "secret": "bmVwbw=="}` + "\n" + `{"account_id": "empty", "secret": ""}` + "\n"
	if err := Serve(strings.NewReader(in), &out, reverse); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	slices.Sort(lines)
	want := []string{`{"account_id":"a","secret":"b3Blbg=="}`, `{"account_id":"empty","secret":""}`, `{"account_id":"no","error":"no such key"}`}
	if !slices.Equal(lines, want) {
		t.Errorf("%q", lines)
	}
}

func TestWhatIsNoQuestion(t *testing.T) {
	for _, in := range []string{"secret", `{"secret": "AAAA"}`, `{"account_id": "a", "secret": "not base64"}`, strings.Repeat("x", longest+1)} {
		err := Serve(strings.NewReader(in+"\n"), io.Discard, reverse)
		if err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "base64") {
			t.Errorf("%.20q: %v", in, err)
		}
	}
}

// A slow answer keeps no other waiting.
func TestAnswersComeInAnyOrder(t *testing.T) {
	questions, in := io.Pipe()
	out, answers := io.Pipe()
	slow := make(chan struct{})
	done := make(chan error)
	go func() {
		done <- Serve(questions, answers, func(id string, _ []byte) ([]byte, error) {
			if id == "slow" {
				<-slow
			}
			return []byte(id), nil
		})
	}()
	lines := bufio.NewScanner(out)
	for _, id := range []string{"slow", "quick"} {
		fmt.Fprintf(in, `{"account_id": %q, "secret": ""}`+"\n", id)
	}
	if lines.Scan(); !strings.Contains(lines.Text(), "quick") {
		t.Errorf("first came %s", lines.Text())
	}
	close(slow)
	if lines.Scan(); !strings.Contains(lines.Text(), "slow") {
		t.Errorf("then came %s", lines.Text())
	}
	in.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestSocketOfAFormerLife(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	former, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	former.SetUnlinkOnClose(false)
	former.Close()
	go Run(path, reverse)
	for range 500 {
		if conn, err := net.Dial("unix", path); err == nil {
			defer conn.Close()
			fmt.Fprintln(conn, `{"account_id": "a", "secret": "bmVwbw=="}`)
			if in := bufio.NewScanner(conn); !in.Scan() || !strings.Contains(in.Text(), "b3Blbg==") {
				t.Errorf("%s, %v", in.Text(), in.Err())
			}
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o660 {
				t.Errorf("%v, %v", info.Mode(), err)
			}
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("it does not listen")
}
