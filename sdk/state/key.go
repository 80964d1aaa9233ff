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
