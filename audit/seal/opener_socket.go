package seal

import (
	"context"
	"fmt"
	"net"
)

// maxSocketPath is what an address of a Unix socket holds on Linux (unix(7): sun_path, with its final NUL).
const maxSocketPath = 107

// sidecar makes the way to a socket that another process serves. It need not be there yet.
func sidecar(path string) (func(context.Context) (*link, error), error) {
	if path == "" || len(path) > maxSocketPath {
		return nil, fmt.Errorf("the path of its socket is not 1 to %d bytes long", maxSocketPath)
	}
	return func(ctx context.Context) (*link, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "unix", path)
		if err != nil {
			return nil, fmt.Errorf("reach it: %w", err)
		}
		c := conn.(*net.UnixConn)
		return &link{
			answers: c, questions: writeHalf{c},
			kill: func() { c.Close() },
			wait: func() error { return nil },
		}, nil
	}, nil
}

// writeHalf closes the connection for writing alone, so that the last answers still come.
type writeHalf struct{ *net.UnixConn }

func (w writeHalf) Close() error { return w.CloseWrite() }
