package pages

// Page types and encodings of the format.
const (
	pageData       = 0
	pageIndex      = 1
	pageDictionary = 2
	pageDataV2     = 3
)

const (
	encPlain           = 0
	encPlainDictionary = 2
	encRLE             = 3
	encBitPacked       = 4
	encDelta           = 5
	encDeltaLength     = 6
	encDeltaStrings    = 7
	encDictionary      = 8
	encByteStreamSplit = 9
)

// header is a page header of any version.
type header struct {
	kind                     int32
	size, compressed         int32 // bytes behind the header
	values                   int32
	encoding                 int32
	defEncoding, repEncoding int32 // version 1
	defBytes, repBytes       int32 // version 2: bytes of levels, never compressed
	plainBody                bool  // version 2: values are not compressed
	crc                      uint32
	hasCRC, hasBody          bool
}

// pageHeader reads one header; w.pos is behind it afterwards.
func (w *wire) pageHeader() header {
	h := header{kind: -1, values: -1, size: -1, compressed: -1}
	w.fields(func(id int, t byte) {
		switch {
		case id == 1:
			h.kind = w.int32(t)
		case id == 2:
			h.size = w.int32(t)
		case id == 3:
			h.compressed = w.int32(t)
		case id == 4:
			h.crc, h.hasCRC = uint32(w.int(t)), true
		case id == 5:
			h.hasBody = true
			w.structure(t, func(id int, t byte) { w.dataHeader(&h, id, t) })
		case id == 7:
			h.hasBody = true
			w.structure(t, func(id int, t byte) { w.dictionaryHeader(&h, id, t) })
		case id == 8:
			h.hasBody = true
			w.structure(t, func(id int, t byte) { w.dataHeaderV2(&h, id, t) })
		default:
			w.skip(t)
		}
	})
	if w.err == nil && (h.size < 0 || h.compressed < 0 || h.hasBody && h.values < 0) {
		w.failf("lacks its sizes")
	}
	return h
}

func (w *wire) dataHeader(h *header, id int, t byte) {
	switch id {
	case 1:
		h.values = w.int32(t)
	case 2:
		h.encoding = w.int32(t)
	case 3:
		h.defEncoding = w.int32(t)
	case 4:
		h.repEncoding = w.int32(t)
	default:
		w.skip(t)
	}
}

func (w *wire) dictionaryHeader(h *header, id int, t byte) {
	switch id {
	case 1:
		h.values = w.int32(t)
	case 2:
		h.encoding = w.int32(t)
	default:
		w.skip(t)
	}
}

func (w *wire) dataHeaderV2(h *header, id int, t byte) {
	switch id {
	case 1:
		h.values = w.int32(t)
	case 4:
		h.encoding = w.int32(t)
	case 5:
		h.defBytes = w.int32(t)
	case 6:
		h.repBytes = w.int32(t)
	case 7:
		h.plainBody = !w.bool(t)
	default:
		w.skip(t)
	}
}
