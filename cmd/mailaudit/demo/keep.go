package demo

import (
	"context"
	"fmt"
)

// keep leaves the simulated servers up until ctx ends, for commands from another terminal, and writes what has arrived
// meanwhile.
func (w *demo) keep(ctx context.Context) error {
	_, err := fmt.Fprintf(w.around.Stdout, `
Providers, relay and Slack are up until Ctrl-C. In another terminal:
  mailaudit --config %[1]s/mailaudit.yaml status
  mailaudit --config %[1]s/mailaudit.yaml doctor
  mailaudit --config %[1]s/mailaudit.yaml check %[2]s
  mailaudit --config %[1]s/mailaudit.yaml notices preview --run %[3]s --provider microsoft
  mailaudit --config %[1]s/mailaudit.yaml notices release --run %[3]s --provider microsoft --by YOU
  mailaudit --config %[1]s/mailaudit.yaml run --key mine
`, w.Out, w.story.customers[0].ID, w.last)
	if err != nil {
		return err
	}
	<-ctx.Done()
	if err := w.leaveSlack(); err != nil {
		return err
	}
	return w.leaveMails()
}
