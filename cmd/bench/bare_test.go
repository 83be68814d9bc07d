package bench

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net"
	"os"
	"strconv"
	"sync"
)

// bare is what no night can do without: it dials, shakes hands, says EHLO, AUTH and QUIT with bytes that were
// made before, and looks at nothing but the code of each answer. Arguments: address, CA file, accounts, at once.
func bare() error {
	address := os.Args[1]
	pem, err := os.ReadFile(os.Args[2])
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(os.Args[3])
	if err != nil {
		return err
	}
	workers, err := strconv.Atoi(os.Args[4])
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	config := &tls.Config{ServerName: googleHost, RootCAs: roots, ClientSessionCache: tls.NewLRUClientSessionCache(0)}
	auths := make([][]byte, n)
	for i := range auths {
		auths[i] = []byte("AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00"+login(i)+"\x00"+appPassword)) + "\r\n")
	}
	next := make(chan []byte)
	go func() {
		for _, auth := range auths {
			next <- auth
		}
		close(next)
	}()
	failed := make([]error, workers)
	var all sync.WaitGroup
	for i := range workers {
		all.Go(func() {
			buf := make([]byte, 4096)
			for auth := range next {
				if err := talk(address, config, auth, buf); err != nil {
					failed[i] = err
				}
			}
		})
	}
	all.Wait()
	return errors.Join(failed...)
}

var (
	ehlo = []byte("EHLO audit.product.example\r\n")
	quit = []byte("QUIT\r\n")
)

func talk(address string, config *tls.Config, auth, buf []byte) error {
	raw, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer raw.Close()
	conn := tls.Client(raw, config)
	if err := expect(conn, buf, "220"); err != nil {
		return err
	}
	for _, step := range []struct {
		say  []byte
		want string
	}{{ehlo, "250"}, {auth, "235"}, {quit, "221"}} {
		if _, err := conn.Write(step.say); err != nil {
			return err
		}
		if err := expect(conn, buf, step.want); err != nil {
			return err
		}
	}
	return conn.Close()
}

// expect reads up to the last line of an answer.
func expect(conn net.Conn, buf []byte, code string) error {
	for end := 0; ; {
		n, err := conn.Read(buf[end:])
		if err != nil {
			return err
		}
		end += n
		last := buf[:end]
		if i := bytes.LastIndexByte(buf[:end-1], '\n'); i >= 0 {
			last = buf[i+1 : end]
		}
		if buf[end-1] != '\n' || len(last) < 4 || last[3] != ' ' {
			continue
		}
		if string(last[:3]) != code {
			return errors.New("unexpected answer: " + string(last))
		}
		return nil
	}
}
