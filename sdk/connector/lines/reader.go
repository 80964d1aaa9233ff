package lines

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// DefaultLimit is the number of bytes a line may have unless told otherwise.
const DefaultLimit = 16 << 20

const (
	firstBuffer = 256 << 10
	rawBytes    = 64 << 10 // of a line that is too long, kept for the report
)

// TooLong is a line that is longer than the limit. It has been skipped: reading
// goes on behind it.
type TooLong struct {
	Limit int
	Raw   []byte // its beginning
}

// Error says what to do about it.
func (e *TooLong) Error() string {
	return fmt.Sprintf("the line is longer than %d bytes; raise the limit if that is right", e.Limit)
}

// Reader returns the lines of one range. Its methods are for one goroutine,
// except Done.
type Reader struct {
	rng    Range
	in     *input
	limit  int
	buffer []byte
	r, w   int   // buffer[r:w] is read but not returned
	pos    int64 // offset of buffer[r] in the decompressed file
	begin  int64 // offset of the first line of the range
	eof    bool
	lines  int64 // lines returned or skipped so far
	before int64 // lines of the file before the range; -1: not counted yet
}

// Open starts reading a range. limit is the number of bytes a line may have,
// 0 means DefaultLimit.
func Open(rng Range, limit int) (*Reader, error) {
	if limit <= 0 {
		limit = DefaultLimit
	}
	in, err := open(rng)
	if err != nil {
		return nil, err
	}
	r := &Reader{rng: rng, in: in, limit: limit, buffer: make([]byte, min(firstBuffer, limit+2)), before: -1}
	if rng.From == 0 {
		r.before = 0
		return r, nil
	}
	// Start one byte early: when that byte ends a line, the range begins with one.
	r.pos = rng.From - 1
	if err := r.skip(); err != nil && err != io.EOF {
		return nil, errors.Join(err, in.Close())
	}
	r.begin = r.pos
	return r, nil
}

// Next returns the next line without its end, \n or \r\n. The bytes are valid
// until the following call. The last line need not have an end. It returns
// io.EOF behind the last line of the range, and a *TooLong, after which the next
// call goes on with the line behind it.
func (r *Reader) Next() ([]byte, error) {
	if r.rng.To >= 0 && r.pos >= r.rng.To {
		return nil, io.EOF
	}
	searched := 0
	for {
		unread := r.buffer[r.r:r.w]
		if i := bytes.IndexByte(unread[searched:], '\n'); i >= 0 {
			return r.take(unread[:searched+i], searched+i+1)
		}
		searched = len(unread)
		if searched > r.limit+1 { // room for a \r that does not count
			return nil, r.tooLong(unread)
		}
		if r.eof {
			if searched == 0 {
				return nil, r.end()
			}
			return r.take(unread, searched)
		}
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
}

// take returns a line and moves past it and its end, n bytes.
func (r *Reader) take(line []byte, n int) ([]byte, error) {
	r.advance(n)
	r.lines++
	if k := len(line); k > 0 && line[k-1] == '\r' {
		line = line[:k-1]
	}
	if len(line) > r.limit {
		return nil, &TooLong{Limit: r.limit, Raw: bytes.Clone(line[:min(len(line), rawBytes)])}
	}
	return line, nil
}

func (r *Reader) advance(n int) {
	r.r += n
	r.pos += int64(n)
}

// tooLong skips a line of which only the beginning fits.
func (r *Reader) tooLong(start []byte) error {
	e := &TooLong{Limit: r.limit, Raw: bytes.Clone(start[:min(len(start), rawBytes)])}
	r.lines++
	if err := r.skip(); err != nil && err != io.EOF {
		return err
	}
	return e
}

// skip moves behind the next \n.
func (r *Reader) skip() error {
	for {
		unread := r.buffer[r.r:r.w]
		if i := bytes.IndexByte(unread, '\n'); i >= 0 {
			r.advance(i + 1)
			return nil
		}
		r.advance(len(unread))
		if r.eof {
			return io.EOF
		}
		if err := r.fill(); err != nil {
			return err
		}
	}
}

// fill reads more, making room first. At the end of the file it sets eof.
func (r *Reader) fill() error {
	if r.r > 0 {
		r.w = copy(r.buffer, r.buffer[r.r:r.w])
		r.r = 0
	}
	if r.w == len(r.buffer) {
		grown := make([]byte, min(2*len(r.buffer), r.limit+firstBuffer))
		copy(grown, r.buffer)
		r.buffer = grown
	}
	for range 100 {
		n, err := r.in.Read(r.buffer[r.w:])
		r.w += n
		if err == io.EOF {
			r.eof = true
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: after %d lines: %w", r.rng, r.lines, err)
		}
		if n > 0 {
			return nil
		}
	}
	return fmt.Errorf("%s: after %d lines: %w", r.rng, r.lines, io.ErrNoProgress)
}

// end is io.EOF, unless the file has lost bytes since it was listed.
func (r *Reader) end() error {
	if r.rng.To >= 0 && r.pos < r.rng.To {
		return fmt.Errorf("%s shrank while it was read: it had %d bytes, now it has %d", r.rng.File.Path, r.rng.File.Size, r.pos)
	}
	return io.EOF
}

// Place says where the line last returned, or skipped, is: events.json:17.
func (r *Reader) Place() string {
	if r.before < 0 {
		n, err := countLines(r.rng.File.Path, r.begin)
		if err != nil {
			return fmt.Sprintf("%s: line %d after byte %d", r.rng.File.Path, r.lines, r.begin)
		}
		r.before = n
	}
	return fmt.Sprintf("%s:%d", r.rng.File.Path, r.before+r.lines)
}

// countLines counts the line ends in the first n bytes of a file. It costs a
// pass over them, which only a bad record in a cut file asks for, once.
func countLines(path string, n int64) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var lines int64
	buffer := make([]byte, firstBuffer)
	for in := io.LimitReader(f, n); ; {
		k, err := in.Read(buffer)
		lines += int64(bytes.Count(buffer[:k], []byte{'\n'}))
		if err == io.EOF {
			return lines, nil
		}
		if err != nil {
			return 0, err
		}
	}
}

// First reports whether the line last returned is the first of its file, where
// a byte order mark may stand.
func (r *Reader) First() bool { return r.rng.From == 0 && r.lines == 1 }

// Done returns the fraction of the range that was read from disk. It may be
// called from any goroutine.
func (r *Reader) Done() float64 {
	total := r.rng.Bytes()
	if total <= 0 {
		return 0
	}
	return min(1, float64(r.in.read.Load())/float64(total))
}

// Close closes the file. It may be called twice.
func (r *Reader) Close() error { return r.in.Close() }
