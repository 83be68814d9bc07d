// Package line speaks mailaudit's protocol of openers, one line of JSON for each question and each answer:
//
//	{"account_id": "4711", "secret": "c2VhbGVk"}     what is stored, in base64
//	{"account_id": "4711", "secret": "b3BlbmVk"}     the opened secret, in base64
//	{"account_id": "4711", "error": "no such key"}   or why it cannot be opened
package line

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
)

// Open gives the secret of an account from what is stored. Its error is shown to operators: it names no secret.
type Open func(accountID string, sealed []byte) ([]byte, error)

// together bounds the questions of one connection that are worked on at a time.
const together = 32

// longest bounds a question; mailaudit asks about 256 KiB at most, a third more in base64.
const longest = 512 << 10

// Run answers on standard input and output, or, if socket is not empty, whoever connects to that Unix socket.
// It returns at the end of the input.
func Run(socket string, open Open) error {
	if socket == "" {
		return Serve(os.Stdin, os.Stdout, open)
	}
	if info, err := os.Lstat(socket); err == nil && info.Mode().Type() == os.ModeSocket {
		if err := os.Remove(socket); err != nil { // of a life before this one
			return err
		}
	}
	syscall.Umask(0o117) // for the pod's user and group alone
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() { // several commands may ask at once
			defer conn.Close()
			if err := Serve(conn, conn, open); err != nil {
				fmt.Fprintln(os.Stderr, "a connection ended:", err)
			}
		}()
	}
}

type question struct {
	AccountID string `json:"account_id"`
	Secret    []byte `json:"secret"`
}

type answer struct {
	AccountID string  `json:"account_id"`
	Secret    *[]byte `json:"secret,omitempty"`
	Error     string  `json:"error,omitempty"`
}

// Serve answers until the input ends. Answers come in any order: a KMS takes its time for each.
func Serve(r io.Reader, w io.Writer, open Open) error {
	var work sync.WaitGroup
	defer work.Wait()
	out := &output{encoder: json.NewEncoder(w)}
	room := make(chan struct{}, together)
	in := bufio.NewScanner(r)
	in.Buffer(nil, longest)
	for in.Scan() {
		var q question
		if err := json.Unmarshal(in.Bytes(), &q); err != nil || q.AccountID == "" {
			return errors.New("what came is no question") // its text is not shown: it may be a secret
		}
		room <- struct{}{}
		work.Go(func() {
			defer func() { <-room }()
			secret, err := open(q.AccountID, q.Secret)
			if err != nil {
				out.write(answer{AccountID: q.AccountID, Error: err.Error()})
				return
			}
			out.write(answer{AccountID: q.AccountID, Secret: &secret})
		})
	}
	work.Wait()
	return errors.Join(in.Err(), out.err)
}

// output keeps lines whole.
type output struct {
	mu      sync.Mutex
	encoder *json.Encoder
	err     error
}

func (o *output) write(a answer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.encoder.Encode(a); err != nil && o.err == nil {
		o.err = err
	}
}
