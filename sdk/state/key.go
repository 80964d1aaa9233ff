package state

// Key is a field that gives the key at hand, for OnTimer and OnExpiry, which are
// called with no row. K is the type of the keys of the collection.
type Key[K any] struct{ at *K }

// Get returns the key.
func (k *Key[K]) Get() K {
	if k.at == nil {
		panic(outside)
	}
	return *k.at
}

// BindKey lets a Key give what at points to. It is for leat.ParDo.
func BindKey[K any](k *Key[K], at *K) { k.at = at }

func (k *Key[K]) isKey() {}

// keyField is a *Key[K] of any K.
type keyField interface{ isKey() }

// TimeSorted asks for sorted input, when it is embedded in the struct: the rows of
// a key come in the order of event time, and rows of the same time in the order of
// the canonical bytes of their values, whatever the order of arrival.
//
//	type decay struct {
//		state.TimeSorted
//		Score state.Value[float64]
//	}
//
// A row waits until the watermark has passed its time. Timers take part in the
// order: one that is set to t fires before the rows of time t, and behind all
// earlier ones. A row that comes when the watermark has passed its time and the
// allowed lateness is dropped and counted, since its place in the order is gone.
type TimeSorted struct{}
