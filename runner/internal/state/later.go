package state

// later is a heap of what is to be looked at when a time comes, the earliest first.
type later []moment

type moment struct {
	at int64
	id int32
}

func (h *later) push(e moment) {
	*h = append(*h, e)
	s := *h
	i := len(s) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if s[parent].at <= e.at {
			break
		}
		s[i], i = s[parent], parent
	}
	s[i] = e
}

// pop takes the earliest entry, of which there must be one.
func (h *later) pop() moment {
	s := *h
	top, last := s[0], s[len(s)-1]
	*h = s[:len(s)-1]
	if len(*h) > 0 {
		h.replace(last)
	}
	return top
}

// replace puts an entry in place of the earliest.
func (h *later) replace(e moment) {
	s := *h
	i := 0
	for {
		child := 2*i + 1
		if child >= len(s) {
			break
		}
		if child+1 < len(s) && s[child+1].at < s[child].at {
			child++
		}
		if s[child].at >= e.at {
			break
		}
		s[i], i = s[child], child
	}
	s[i] = e
}
