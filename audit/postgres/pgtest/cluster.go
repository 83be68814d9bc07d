//go:build unix

// Package pgtest gives tests a PostgreSQL of their own: it starts a throw-away cluster from the installation
// that it finds, makes a database for each test, and takes everything away at the end. A package that uses it
// runs its tests through [Main].
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Admin is the superuser of each cluster. Every role may connect without a password.
const Admin = "postgres"

// Cluster is a running PostgreSQL with its data in a temporary folder.
type Cluster struct {
	Port   int
	folder string
	bin    string
	owner  *syscall.Credential // nil: ourselves
	server *process
}

var errMissing = errors.New("PostgreSQL is not installed: apt-get install postgresql (or put initdb and postgres on PATH)")

// binaries finds the folder of initdb and postgres.
func binaries() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		// The other programs stand beside the real one.
		path, err = filepath.EvalSymlinks(path)
		return filepath.Dir(path), err
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		return "", errMissing
	}
	slices.SortFunc(found, func(x, y string) int { return release(x) - release(y) })
	return filepath.Dir(found[len(found)-1]), nil
}

func release(initdb string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(initdb))))
	return n
}

// servant is the user that runs servers which refuse to run as root; nil where we are not root.
func servant() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is no user postgres or nobody")
}

// folderOf makes a temporary folder that belongs to the servant.
func folderOf(owner *syscall.Credential) (string, error) {
	folder, err := os.MkdirTemp("", "pgtest")
	if err != nil || owner == nil {
		return folder, err
	}
	return folder, os.Chown(folder, int(owner.Uid), int(owner.Gid))
}

// Start makes a cluster. Its caller closes it.
func Start() (*Cluster, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	c := &Cluster{bin: bin}
	if c.owner, err = servant(); err != nil {
		return nil, err
	}
	if c.folder, err = folderOf(c.owner); err != nil {
		return nil, err
	}
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", c.data(), "-U", Admin, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
	initdb.Dir = c.folder
	initdb.SysProcAttr = &syscall.SysProcAttr{Credential: c.owner}
	if out, err := initdb.CombinedOutput(); err != nil {
		os.RemoveAll(c.folder)
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	if c.Port, err = freePort(); err != nil {
		return nil, err
	}
	if err := c.Up(); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Cluster) data() string { return filepath.Join(c.folder, "data") }

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// Up starts the server and waits until it answers.
func (c *Cluster) Up() error {
	args := []string{"-D", c.data(), "-p", strconv.Itoa(c.Port), "-k", c.folder}
	for _, setting := range []string{
		"listen_addresses=127.0.0.1", "fsync=off", "full_page_writes=off",
		"max_connections=200", "shared_buffers=64MB", "log_min_messages=fatal",
	} {
		args = append(args, "-c", setting)
	}
	var err error
	c.server, err = launch(c.folder, c.owner, filepath.Join(c.bin, "postgres"), args...)
	if err != nil {
		return err
	}
	return c.server.await(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		conn, err := pgx.Connect(ctx, c.URL("postgres", Admin))
		if err != nil {
			return err
		}
		return conn.Close(ctx)
	})
}

// Down stops the server at once, cutting every connection. Its data stays.
func (c *Cluster) Down() error { return c.server.end(syscall.SIGINT) }

// Crash kills the server as a power cut would.
func (c *Cluster) Crash() error { return c.server.end(syscall.SIGQUIT) }

// Close stops the server and removes its data.
func (c *Cluster) Close() error {
	var err error
	if c.server != nil {
		err = c.server.end(syscall.SIGQUIT)
	}
	return errors.Join(err, os.RemoveAll(c.folder))
}

// URL is how a role reaches a database.
func (c *Cluster) URL(database, role string) string { return at(c.Port, database, role) }

func at(port int, database, role string) string {
	u := url.URL{Scheme: "postgres", User: url.User(role), Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), Path: "/" + database}
	return u.String()
}

// process is a server that ends with us, even if we are killed.
type process struct {
	cmd    *exec.Cmd
	log    *tail
	exited chan struct{}
	err    error
}

// launch starts a server from a thread that lives as long as it: the kernel sends the parent's death signal
// when the thread ends.
func launch(folder string, owner *syscall.Credential, name string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(name, args...), log: &tail{}, exited: make(chan struct{})}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = folder, p.log, p.log
	p.cmd.SysProcAttr = dyingWithUs(owner)
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
			close(p.exited)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", filepath.Base(name), err)
	}
	return p, nil
}

// await tries until the server answers or has ended.
func (p *process) await(try func() error) error {
	give := time.Now().Add(30 * time.Second)
	for {
		err := try()
		if err == nil {
			return nil
		}
		if time.Now().After(give) {
			return fmt.Errorf("%s does not answer: %w\n%s", filepath.Base(p.cmd.Path), err, p.log)
		}
		select {
		case <-p.exited:
			return fmt.Errorf("%s ended: %v\n%s", filepath.Base(p.cmd.Path), p.err, p.log)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// end sends a signal and waits for the end; a server that does not obey is killed.
func (p *process) end(sig syscall.Signal) error {
	select {
	case <-p.exited:
		return nil
	default:
	}
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.exited:
	case <-time.After(20 * time.Second):
		p.cmd.Process.Kill()
		<-p.exited
	}
	return nil
}

// tail keeps the end of a server's log.
type tail struct {
	mu   sync.Mutex
	text string
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text += string(b)
	if over := len(t.text) - 8<<10; over > 0 {
		t.text = t.text[over:]
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(t.text)
}

// missing skips the test, or fails it where the machine is meant to have everything.
func missing(t testing.TB, err error) {
	t.Helper()
	if os.Getenv("MAILAUDIT_TEST_REQUIRE") == "1" {
		t.Fatalf("%v (MAILAUDIT_TEST_REQUIRE=1)", err)
	}
	t.Skip(err)
}
