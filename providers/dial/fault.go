package dial

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"mailaudit/providers"
	"mailaudit/providers/protocol"
)

// faultOf names what kept a server from answering at stage. Deadlines and cancellation are told by the
// contexts, not here.
func faultOf(err error, stage providers.Stage) providers.Fault {
	var dns *net.DNSError
	var op *net.OpError
	var timeout net.Error
	var record tls.RecordHeaderError
	var alert tls.AlertError
	switch {
	case errors.Is(err, errRefused), errors.Is(err, errDenied), errors.Is(err, errPort):
		return providers.FaultAddressRefused
	case errors.Is(err, errProxy):
		return providers.FaultOurs
	case errors.Is(err, protocol.ErrBudget), errors.Is(err, protocol.ErrNotSMTP):
		return providers.FaultProtocol
	case errors.As(err, &dns):
		if dns.IsNotFound && !dns.IsTemporary && !dns.IsTimeout {
			return providers.FaultNoSuchHost
		}
		return providers.FaultDNS
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &timeout) && timeout.Timeout():
		return providers.FaultTimeout
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, syscall.ENOBUFS),
		errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EACCES):
		return providers.FaultOurs
	case errors.As(err, &op) && (op.Op == "dial" || op.Op == "socks connect"):
		return providers.FaultConnect
	case stage == providers.StageGreeting && errors.Is(err, syscall.ECONNRESET):
		return providers.FaultConnect
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return providers.FaultDropped
	case errors.As(err, &record), errors.As(err, &alert):
		return providers.FaultTLS
	case stage == providers.StageGreeting, stage == providers.StageSTARTTLS:
		return providers.FaultTLS // what is left of a handshake's ways to fail has no type of its own
	}
	return providers.FaultDropped
}

// detailOf puts a fault into words.
func detailOf(f providers.Fault, err error) string {
	switch f {
	case providers.FaultDropped:
		return "the server closed the connection"
	case providers.FaultNoSuchHost:
		return "there is no such host: " + err.Error()
	case providers.FaultDNS:
		return "the name service did not answer: " + err.Error()
	}
	return err.Error()
}

func handshakeDetail(f providers.Fault, err error) string {
	switch f {
	case providers.FaultTLS:
		var record tls.RecordHeaderError
		if errors.As(err, &record) {
			return "the server does not speak TLS on this port; it may want STARTTLS"
		}
	case providers.FaultTLSName:
		return "the certificate is valid, but for another name: " + err.Error()
	case providers.FaultTLSUntrusted:
		return "the certificate is not to be trusted: " + err.Error()
	}
	return err.Error()
}
