package operator

// Open implements Opening. Partial results of a window are many before the
// exchange, one a task, and one behind it.
func (g *groups) Open() Open { return Open{Windows: g.panes.Len(), Partial: g.slots.InUse()} }

// Open implements Opening: each session is a window.
func (o *session) Open() Open { return Open{Windows: o.open, Partial: o.open} }

// Open implements Opening.
func (o *triggered) Open() Open { return Open{Windows: o.panes.Len(), Partial: o.free.InUse()} }

// Open implements Opening.
func (o *windowJoin) Open() Open { return Open{Windows: len(o.order), Rows: int(o.rows)} }

// Open implements Opening.
func (o *await) Open() Open { return Open{Rows: o.spine.rows} }

// Open implements Opening.
func (o *asOfAwait) Open() Open { return Open{Rows: o.left.rows} }

// Open implements Opening: rows that wait for their turn. Cells are no results.
func (o *stateful) Open() Open { return Open{Rows: o.waiting.rows} }

// Open implements Opening: rows whose side inputs are not complete, and what the
// operator that they go to holds.
func (o *sides) Open() (open Open) {
	if inner, ok := o.Operator.(Opening); ok {
		open = inner.Open()
	}
	for _, g := range o.groups {
		for _, b := range g.batches {
			open.Rows += b.Len()
		}
	}
	return open
}
