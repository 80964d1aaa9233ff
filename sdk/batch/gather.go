package batch

// Gather returns a new column of the given rows, in that order. Dictionaries
// are shared; everything else is copied.
func (c *Column) Gather(rows []int32) *Column {
	if c == nil {
		return nil
	}
	out := &Column{Type: c.Type, Len: len(rows), Valid: gatherBits(c.Valid, rows)}
	switch c.Type.Kind.Form() {
	case IntForm:
		out.Ints = gather(c.Ints, rows)
	case FloatForm:
		out.Floats = gather(c.Floats, rows)
	case BoolForm:
		out.Bools = gather(c.Bools, rows)
	case StringForm:
		if c.Dict != nil {
			out.Codes, out.Dict = gather(c.Codes, rows), c.Dict
		} else {
			out.Strings = c.Strings.gather(rows)
		}
	case ListForm:
		c.gatherLists(out, rows)
	case StructForm:
		out.Children = make([]*Column, len(c.Children))
		for i, child := range c.Children {
			out.Children[i] = child.Gather(rows)
		}
	}
	return out
}

func (s *Strings) gather(rows []int32) Strings {
	size := 0
	for _, r := range rows {
		size += int(s.Offsets[r+1] - s.Offsets[r])
	}
	out := Strings{Offsets: make([]int32, len(rows)+1), Data: make([]byte, size)}
	at := 0
	for i, r := range rows {
		from := int(s.Offsets[r])
		n := int(s.Offsets[r+1]) - from
		CopyText(out.Data[at:], s.Data[from:], n)
		at += n
		out.Offsets[i+1] = int32(at)
	}
	return out
}

// CopyText copies the first n bytes of src to dst. Where both have room, a short
// text is copied as two words, for a third of what a call of memmove costs: then
// up to 16 bytes of dst are overwritten, which suits who fills it in order.
func CopyText(dst, src []byte, n int) {
	if n <= 16 && len(dst) >= 16 && len(src) >= 16 {
		*(*[16]byte)(dst) = *(*[16]byte)(src)
		return
	}
	copy(dst[:n], src[:n])
}

func (c *Column) gatherLists(out *Column, rows []int32) {
	out.Offsets = make([]int32, len(rows)+1)
	var inner []int32
	for i, r := range rows {
		for j := c.Offsets[r]; j < c.Offsets[r+1]; j++ {
			inner = append(inner, j)
		}
		out.Offsets[i+1] = int32(len(inner))
	}
	out.Children = make([]*Column, len(c.Children))
	for i, child := range c.Children {
		out.Children[i] = child.Gather(inner)
	}
}

func gatherBits(b Bitmap, rows []int32) Bitmap {
	if b == nil {
		return nil
	}
	out := NewBitmap(len(rows))
	for i, r := range rows {
		if b.Get(int(r)) {
			out.Set(i)
		}
	}
	return out
}

// Slice returns rows [from, to), sharing memory except for validity bits that
// do not start on a byte.
func (c *Column) Slice(from, to int) *Column {
	if c == nil {
		return nil
	}
	out := *c
	out.Len = to - from
	out.Valid = sliceBits(c.Valid, from, to)
	out.Ints, out.Floats, out.Bools = cut(c.Ints, from, to), cut(c.Floats, from, to), cut(c.Bools, from, to)
	out.Codes = cut(c.Codes, from, to)
	if len(c.Strings.Offsets) > 0 {
		out.Strings = Strings{Offsets: cut(c.Strings.Offsets, from, to+1), Data: c.Strings.Data}
	}
	switch c.Type.Kind.Form() {
	case ListForm:
		out.Offsets = cut(c.Offsets, from, to+1)
	case StructForm:
		out.Children = make([]*Column, len(c.Children))
		for i, child := range c.Children {
			out.Children[i] = child.Slice(from, to)
		}
	}
	return &out
}

func sliceBits(b Bitmap, from, to int) Bitmap {
	if b == nil {
		return nil
	}
	if from&7 == 0 {
		return b[from>>3 : (to+7)>>3]
	}
	out := NewBitmap(to - from)
	for i := from; i < to; i++ {
		if b.Get(i) {
			out.Set(i - from)
		}
	}
	return out
}
