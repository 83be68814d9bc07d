package postgres

import (
	"strings"
	"testing"
)

// An unencrypted way to another machine is taken only where the URL says so.
func TestPlainConnectionsStayOnThisMachine(t *testing.T) {
	t.Setenv("PGSSLMODE", "")
	for url, want := range map[string][]bool{ // for each way, whether it is encrypted
		"postgres://u@db.example.com/x":                                        {true},
		"postgres://u@db.example.com/x?sslmode=prefer":                         {true, false},
		"postgres://u@db.example.com/x?sslmode=disable":                        {false},
		"postgres://u@127.0.0.1/x":                                             {true, false},
		"postgres://u@[::1]/x":                                                 {true, false},
		"postgres://u@/x?host=/run/postgresql":                                 {false},
		"postgres://u@10.0.0.1,127.0.0.1/x":                                    {true, true, false},
		"postgres://u@db.example.com/x?sslmode=verify-full&sslrootcert=system": {true},
	} {
		c, err := configure(url, Options{})
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		got := []bool{c.ConnConfig.TLSConfig != nil}
		for _, f := range c.ConnConfig.Fallbacks {
			got = append(got, f.TLSConfig != nil)
		}
		if len(got) != len(want) {
			t.Errorf("%s: ways %v, want %v", url, got, want)
			continue
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%s: ways %v, want %v", url, got, want)
			}
		}
	}
}

func TestConnectErrorsHideThePassword(t *testing.T) {
	const password = "canary-password"
	for _, url := range []string{
		"postgres://u:" + password + "@127.0.0.1:1/x", "postgres://u:" + password + "@h:port/x", "postgres://u:" + password + "@h/x?sslmode=perhaps",
		"postgres://u:" + password + "@h:5432/x?connect_timeout=soon", "host=h password=" + password + " port=none", "postgres://u:" + password + "%zz@h/x",
		"postgres://u:" + password + "@no-such-host.invalid/x",
	} {
		_, err := Open(t.Context(), url, Options{})
		if err == nil {
			t.Errorf("%s was opened", url)
		} else if strings.Contains(err.Error(), password) {
			t.Errorf("the error tells the password: %.40s...", strings.ReplaceAll(err.Error(), password, "***"))
		}
	}
}

func TestOptions(t *testing.T) {
	for url, want := range map[string]int32{
		"postgres://u@127.0.0.1/x": maxConns, "postgres://u@127.0.0.1/x?pool_max_conns=3": 3,
	} {
		c, err := configure(url, Options{})
		if err != nil || c.MaxConns != want {
			t.Errorf("%s: %d connections, want %d (%v)", url, c.MaxConns, want, err)
		}
	}
	c, err := configure("postgres://u@127.0.0.1/x?statement_timeout=1s", Options{MaxConns: 2})
	if err != nil || c.MaxConns != 2 || c.ConnConfig.RuntimeParams["statement_timeout"] != "1s" || c.ConnConfig.RuntimeParams["lock_timeout"] == "" {
		t.Errorf("direct: %v, %v (%v)", c.MaxConns, c.ConnConfig.RuntimeParams, err)
	}
	c, err = configure("postgres://u@127.0.0.1/x", Options{Pooler: true})
	if err != nil || c.ConnConfig.RuntimeParams["statement_timeout"] != "" {
		t.Errorf("pooler: %v (%v)", c.ConnConfig.RuntimeParams, err)
	}
}
