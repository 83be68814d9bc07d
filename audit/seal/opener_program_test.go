package seal

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain runs the tests, or, started by one of them, an opener: this binary with "opener", a manner and a
// folder to leave traces in.
func TestMain(m *testing.M) {
	if len(os.Args) > 3 && os.Args[1] == "opener" {
		p := &testOpener{dir: os.Args[3], in: bufio.NewReaderSize(os.Stdin, 1<<20), out: bufio.NewWriter(os.Stdout)}
		p.life = p.begin()
		manners[os.Args[2]](p)
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// testOpener is an operator's program as the tests need it: it opens by putting "open " before the stored bytes.
type testOpener struct {
	dir  string
	life int // 1 for the first process of a test
	in   *bufio.Reader
	out  *bufio.Writer
}

// begin notes this process by number; the file holds its pid.
func (p *testOpener) begin() int {
	for life := 1; ; life++ {
		f, err := os.OpenFile(fmt.Sprintf("%s/life-%d", p.dir, life), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if os.IsExist(err) {
			continue
		}
		if err != nil {
			panic(err)
		}
		fmt.Fprint(f, os.Getpid())
		f.Close()
		return life
	}
}

// next reads a question; it ends the process at the end of the input.
func (p *testOpener) next() (id string, sealed []byte) {
	line, err := p.in.ReadBytes('\n')
	if err == io.EOF {
		p.out.Flush()
		os.Exit(0)
	}
	var q struct {
		AccountID string `json:"account_id"`
		Secret    string `json:"secret"`
	}
	if err := json.Unmarshal(line, &q); err != nil {
		os.Exit(9)
	}
	sealed, err = base64.StdEncoding.DecodeString(q.Secret)
	if err != nil {
		os.Exit(9)
	}
	return q.AccountID, sealed
}

func (p *testOpener) open(id string, sealed []byte) {
	p.say(map[string]any{"account_id": id, "secret": []byte("open " + string(sealed))})
}

func (p *testOpener) say(answer map[string]any) {
	line, _ := json.Marshal(answer)
	p.out.Write(append(line, '\n'))
	if p.in.Buffered() == 0 {
		p.out.Flush()
	}
}

func (p *testOpener) serve() {
	for {
		p.open(p.next())
	}
}

func (p *testOpener) write(text string) {
	fmt.Fprint(p.out, text)
	p.out.Flush()
}

func forever() { time.Sleep(time.Hour) }

// leave dies in its first life and leaves a child behind that holds our ends of the pipes.
func (p *testOpener) leave(attr *syscall.SysProcAttr) {
	if p.life > 1 {
		p.serve()
	}
	child := exec.Command("/bin/sleep", "3600")
	child.Stdout, child.Stderr, child.SysProcAttr = os.Stdout, os.Stderr, attr
	if err := child.Start(); err != nil {
		panic(err)
	}
	if err := os.WriteFile(p.dir+"/child", fmt.Append(nil, child.Process.Pid), 0o600); err != nil {
		panic(err)
	}
	p.next()
	os.Exit(6)
}

var manners = map[string]func(*testOpener){
	"good": func(p *testOpener) { p.serve() },
	"backwards": func(p *testOpener) {
		for {
			var ids []string
			var all [][]byte
			for len(ids) == 0 || p.in.Buffered() > 0 && len(ids) < 500 {
				id, sealed := p.next()
				ids, all = append(ids, id), append(all, sealed)
			}
			for i := len(ids) - 1; i >= 0; i-- {
				p.open(ids[i], all[i])
			}
			p.out.Flush()
		}
	},
	"dies once": func(p *testOpener) {
		if p.life == 1 {
			p.next()
			os.Exit(3)
		}
		p.serve()
	},
	"dies at each": func(p *testOpener) { p.next(); os.Exit(3) },
	"dies at poison": func(p *testOpener) {
		for {
			id, sealed := p.next()
			if id == "poison" {
				os.Exit(3)
			}
			p.open(id, sealed)
			p.out.Flush()
		}
	},
	"dies at start": func(*testOpener) { os.Exit(4) },
	"half a line": func(p *testOpener) {
		id, sealed := p.next()
		if p.life == 1 {
			p.write(`{"account_id":"` + id + `","sec`)
			os.Exit(5)
		}
		p.open(id, sealed)
		p.serve()
	},
	"silent": func(*testOpener) { forever() },
	"silent once": func(p *testOpener) {
		if p.life == 1 {
			forever()
		}
		p.serve()
	},
	"half deaf": func(p *testOpener) {
		for {
			if id, sealed := p.next(); id != "unheard" {
				p.open(id, sealed)
			}
			p.out.Flush()
		}
	},
	"late": func(p *testOpener) {
		id, sealed := p.next()
		time.Sleep(600 * time.Millisecond)
		p.open(id, sealed)
		p.serve()
	},
	"greets":      func(p *testOpener) { p.write("Loading keys for " + canary + "\n"); p.serve() },
	"blank":       func(p *testOpener) { p.write("\n"); p.serve() },
	"no account":  func(p *testOpener) { p.next(); p.write(`{"secret":"AAAA"}` + "\n"); forever() },
	"an array":    func(p *testOpener) { p.next(); p.write("[1,2,3]\n"); forever() },
	"not numbers": func(p *testOpener) { p.next(); p.write(`{"account_id":4711,"secret":"AAAA"}` + "\n"); forever() },
	"floods": func(p *testOpener) {
		for {
			p.write(strings.Repeat("y\n", 4096))
		}
	},
	"floods with others": func(p *testOpener) {
		for {
			p.write(`{"account_id":"somebody else","secret":"AAAA"}` + "\n")
		}
	},
	"floods standard error": func(p *testOpener) {
		go func() {
			for {
				fmt.Fprintln(os.Stderr, "key is "+canary)
			}
		}()
		p.serve()
	},
	"complains": func(p *testOpener) {
		fmt.Fprintf(os.Stderr, "one %s\ntwo %s\nthree\n", canary, canary)
		p.serve()
	},
	"a few others": func(p *testOpener) {
		for {
			id, sealed := p.next()
			p.say(map[string]any{"account_id": "x" + id, "secret": []byte("wrong")})
			p.open(id, sealed)
		}
	},
	"10 MB": func(p *testOpener) { p.next(); p.write(strings.Repeat("x", 10<<20) + "\n"); forever() },
	"10 MB answer": func(p *testOpener) {
		id, _ := p.next()
		p.open(id, make([]byte, 10<<20))
		p.out.Flush()
		forever()
	},
	"strange answers": func(p *testOpener) {
		for {
			id, sealed := p.next()
			switch id {
			case "both":
				p.say(map[string]any{"account_id": id, "secret": []byte("x"), "error": "y"})
			case "neither":
				p.say(map[string]any{"account_id": id})
			case "null":
				p.say(map[string]any{"account_id": id, "secret": nil, "error": nil})
			case "not base64":
				p.say(map[string]any{"account_id": id, "secret": canary + "!"})
			case "empty":
				p.say(map[string]any{"account_id": id, "secret": ""})
			default:
				p.open(id, sealed)
			}
		}
	},
	"refuses": func(p *testOpener) {
		for {
			id, sealed := p.next()
			text := map[string]string{
				"plain": "no key of that id", "quotes": "cannot open " + string(sealed),
				"base64": "bad: " + base64.StdEncoding.EncodeToString(sealed), "hex": fmt.Sprintf("bad: %X", sealed),
				"lines": "one\n\ttwo\x1b[31m\u2028three", "long": strings.Repeat("long ", 1000), "nothing": "",
			}[id]
			p.say(map[string]any{"account_id": id, "error": text})
		}
	},
	"never reads":     func(p *testOpener) { forever() },
	"leaves a child":  func(p *testOpener) { p.leave(&syscall.SysProcAttr{}) },
	"leaves a daemon": func(p *testOpener) { p.leave(&syscall.SysProcAttr{Setsid: true}) },
	"stays": func(p *testOpener) {
		p.open(p.next())
		p.out.Flush()
		forever()
	},
	"tells its environment": func(p *testOpener) {
		for {
			id, _ := p.next()
			p.say(map[string]any{"account_id": id, "secret": []byte(strings.Join(os.Environ(), "\n"))})
		}
	},
}

// echo is a sidecar that opens as the program does.
func echo(conn net.Conn) {
	in := bufio.NewScanner(conn)
	for in.Scan() {
		var q struct {
			AccountID string `json:"account_id"`
			Secret    []byte `json:"secret"`
		}
		if json.Unmarshal(in.Bytes(), &q) != nil {
			return
		}
		line, _ := json.Marshal(map[string]any{"account_id": q.AccountID, "secret": []byte("open " + string(q.Secret))})
		conn.Write(append(line, '\n'))
	}
}
