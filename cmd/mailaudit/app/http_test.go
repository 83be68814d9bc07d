package app

import (
	"testing"
	"time"
)

func TestStalledLoopIsNotHealthy(t *testing.T) {
	now := time.Now()
	var d Daemon
	d.ticked.Store(now.UnixNano())
	if err := d.healthy(now.Add(stalledAfter)); err != nil {
		t.Error(err)
	}
	if err := d.healthy(now.Add(stalledAfter + time.Second)); err == nil {
		t.Error("a loop that has stopped is healthy")
	}
}
