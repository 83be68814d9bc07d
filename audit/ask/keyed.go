package ask

import "sync"

// Keyed holds one value for each key, made when it is first asked for. The zero value is ready.
type Keyed[K comparable, V any] struct {
	mu  sync.Mutex
	all map[K]*V
}

func (k *Keyed[K, V]) Of(key K) *V {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.all == nil {
		k.all = map[K]*V{}
	}
	if k.all[key] == nil {
		k.all[key] = new(V)
	}
	return k.all[key]
}
