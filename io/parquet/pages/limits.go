package pages

// What a file may ask for at most. The figures are far above what writers make
// and far below what would take a process down.
const (
	footerMax      = 64 << 20  // bytes of footer
	columnsMax     = 20_000    // nodes of the schema
	depthMax       = 64        // nesting of the schema and of the footer's structures
	pageMax        = 256 << 20 // bytes of one page, decompressed
	pageFreely     = 16 << 20  // up to this size a page may expand by any factor
	expansionMax   = 4096      // above it a page may expand by this factor at most
	pageHeaderMax  = 16 << 20  // bytes of a page header; statistics may hold long values
	indexMax       = 16 << 20  // bytes of a page index of one column chunk
	indexPagesMax  = 1 << 18   // pages in it
	dictionaryMax  = 1 << 27   // values of a dictionary
	miniblockMax   = 1 << 16   // values of a miniblock in the delta encodings
	elementsFreely = 1 << 20   // elements of all lists of one column in one batch, and
	elementsMax    = 2048      // so many more for each row asked for
	stringBytesMax = 1<<31 - 1 // bytes of one string vector: its offsets are 32 bits
)

// padding is how many readable bytes must follow a page in memory: the unpackers
// of bit-packed integers read whole vectors.
const padding = 64
