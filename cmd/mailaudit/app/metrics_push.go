package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/push"

	"mailaudit/providers/web"
)

const (
	pushTimeout = 10 * time.Second
	pushBody    = 64 << 10 // of the gateway's answer
)

// HandOver gives a run's metrics to the Pushgateway and the node exporter's folder, as configured. It changes
// no exit code: what misses them notices their age.
func (n *Worker) HandOver(ctx context.Context) {
	m := n.Config.Metrics
	if m.Pushgateway.Empty() && m.Textfile == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pushTimeout)
	defer cancel()
	if err := n.measure(ctx); err != nil {
		n.Log.Error("metrics are not handed over", "err", err)
		return
	}
	if !m.Pushgateway.Empty() {
		if err := n.meters.push(ctx, n.Env.transport(), m.Pushgateway.Reveal(), n.Config.Installation); err != nil {
			n.Log.Error("metrics are not pushed; check metrics.pushgateway", "err", err)
		}
	}
	if m.Textfile != "" {
		if err := prometheus.WriteToTextfile(m.Textfile, n.meters.Registry); err != nil {
			n.Log.Error("metrics are not written; check metrics.textfile", "err", err)
		}
	}
}

// measure brings the metrics up to date.
func (n *Worker) measure(ctx context.Context) error {
	n.meters.stuckSteps(n.failing.stuck(time.Now()))
	return n.meters.refresh(ctx, n.Store, n.Now(), n.Config.Notices.Mode == "live")
}

// push replaces the group that this installation has at the gateway. The address may hold a password, so it
// stands in no error.
func (m *Metrics) push(ctx context.Context, through http.RoundTripper, address, installation string) error {
	answer := &lastStatus{client: web.Client(through, pushBody, pushTimeout)}
	p := push.New(address, "mailaudit").Gatherer(m.Registry).Client(answer)
	if installation != "" {
		p = p.Grouping("installation", installation)
	}
	err := p.PushContext(ctx)
	switch {
	case err == nil:
		return nil
	case answer.err != nil:
		return web.Cause(answer.err)
	case answer.code != 0:
		return fmt.Errorf("the gateway answers http %d", answer.code)
	}
	return errors.New("the gateway cannot be asked: not an address")
}

// lastStatus keeps what the gateway answered: the library's own error names the address.
type lastStatus struct {
	client *http.Client
	code   int
	err    error
}

func (l *lastStatus) Do(r *http.Request) (*http.Response, error) {
	resp, err := l.client.Do(r)
	if err != nil {
		l.err = err
		return nil, err
	}
	l.code = resp.StatusCode
	return resp, nil
}
