package web

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"
)

// A server that redirects learns nothing for others: the answer is the redirect.
func TestNoRedirectIsFollowed(t *testing.T) {
	var followed []string
	inside := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		followed = append(followed, r.Method+" "+r.Header.Get("Referer"))
	}))
	defer inside.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		away := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, inside.URL, status)
		}))
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodPost, http.MethodHead} {
			r, err := http.NewRequest(method, away.URL+"/the-secret-path", nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := Client(nil, 100, time.Minute).Do(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != status {
				t.Errorf("%s: status %d, want %d", method, resp.StatusCode, status)
			}
		}
		away.Close()
	}
	if len(followed) > 0 {
		t.Errorf("followed: %q", followed)
	}
}

func TestBodyIsBounded(t *testing.T) {
	for _, tt := range []struct {
		size int
		err  error
	}{{0, nil}, {99, nil}, {100, nil}, {101, ErrTooLong}, {1 << 20, ErrTooLong}} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			io.WriteString(w, strings.Repeat("a", tt.size))
		}))
		resp, err := Client(nil, 100, time.Minute).Get(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		if len(got) != min(tt.size, 100) || !errors.Is(err, tt.err) {
			t.Errorf("%d bytes: read %d, %v", tt.size, len(got), err)
		}
		resp.Body.Close()
		s.Close()
	}
}

// A flood, in the body or in the header, is not held in memory and ends by itself.
func TestFloodsAreNotHeld(t *testing.T) {
	for name, answer := range map[string]string{
		"body":             "HTTP/1.1 500 no\r\n\r\n",
		"header":           "HTTP/1.1 200 ok\r\nX-Long: ",
		"interim answers":  strings.Repeat("HTTP/1.1 103 early\r\nX-A: "+strings.Repeat("a", 1000)+"\r\n\r\n", 1000),
		"the status alone": "HTTP/1.1 200 ",
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		sent := make(chan int64, 1)
		go func() {
			conn, err := l.Accept()
			if err != nil {
				sent <- 0
				return
			}
			defer conn.Close()
			io.WriteString(conn, answer)
			chunk := []byte(strings.Repeat("a", 1<<16))
			n := int64(0)
			for end := time.Now().Add(10 * time.Second); err == nil && n < 1<<30 && time.Now().Before(end); n += 1 << 16 {
				_, err = conn.Write(chunk)
			}
			sent <- n
		}()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		resp, err := Client(nil, 1<<16, time.Minute).Get("http://" + l.Addr().String())
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			resp.Body.Close()
		}
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		if grown := (after.TotalAlloc - before.TotalAlloc) >> 20; grown > 8 {
			t.Errorf("%s: %d MiB were used", name, grown)
		}
		if n := <-sent; n >= 1<<30 {
			t.Errorf("%s: all %d bytes were taken", name, n)
		}
		l.Close()
	}
}

// Neither the address nor what the other side says of it stands in an error.
func TestCauseTellsNoAddress(t *testing.T) {
	const secret = "the-secret-path"
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	get := func(address string, within time.Duration) error {
		resp, err := Client(nil, 100, within).Get(address)
		if err == nil {
			defer resp.Body.Close()
			_, err = io.ReadAll(resp.Body)
		}
		return err
	}
	says := func(answer string) error {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		go func() {
			if conn, err := l.Accept(); err == nil {
				conn.Read(make([]byte, 4096))
				io.WriteString(conn, answer)
				conn.Close()
			}
		}()
		return get("http://"+l.Addr().String()+"/"+secret, time.Minute)
	}
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"nobody listens":          {get("http://127.0.0.1:1/"+secret, time.Minute), "refused"},
		"no such host":            {get("http://nowhere.invalid/"+secret, time.Minute), "name"},
		"silence":                 {get("http://"+silent.Addr().String()+"/"+secret, 50*time.Millisecond), "in time"},
		"not HTTP":                {says("220 " + secret + "\r\n"), "not HTTP"},
		"an odd status":           {says("HTTP/1.1 " + secret + "\r\n\r\n"), "not HTTP"},
		"an odd location":         {says("HTTP/1.1 302 no\r\nLocation: http://%zz/" + secret + "\r\n\r\n"), "not HTTP"},
		"cut short":               {says("HTTP/1.1 200 ok\r\nContent-Length: 50\r\n\r\nx"), "ended"},
		"an address that is none": {get("http://%zz/"+secret, time.Minute), "not HTTP"},
	} {
		if tt.err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		got := Cause(tt.err).Error()
		if strings.Contains(got, secret) || strings.Contains(got, "http://") {
			t.Errorf("%s: the address is told: %s", name, got)
		}
		if !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want a word of %q", name, got, tt.want)
		}
	}
}
