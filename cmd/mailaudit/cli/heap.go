package cli

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// heapRoom is how much may be allocated between two collections where little is alive. Every handshake leaves
// 70 KB behind and a few megabytes are alive beside it: at Go's own pace, as much again as is alive, the heap would
// be searched all the time.
const heapRoom = 16 << 20

// collectSeldom gives the heap its room after each collection; where more than that is alive, Go's own pace holds.
// GOGC overrides it.
func collectSeldom() {
	if os.Getenv("GOGC") == "" {
		afterCollection(giveRoom)
	}
}

func giveRoom() {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	debug.SetGCPercent(roomFor(live[0].Value.Uint64()))
}

// roomFor is the percentage for so many bytes that are alive.
func roomFor(live uint64) int {
	const floor = 1 << 20 // before the first collection nothing is known to be alive
	return int(max(100, 100*heapRoom/max(live, floor)))
}

// afterCollection calls f now and after each collection: what nobody refers to is finalized then.
func afterCollection(f func()) {
	f()
	mark := new([16]byte)
	runtime.SetFinalizer(mark, func(*[16]byte) { afterCollection(f) })
}
