package gunzip

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

var (
	errHeader   = errors.New("gzip: invalid header")
	errChecksum = errors.New("gzip: invalid checksum")
)

// Reader unpacks a gzip file, or several that follow one another. It is used by one goroutine.
type Reader struct {
	f inflater
	// inside tells that a member was begun; crc and size are of what was unpacked of it.
	inside bool
	crc    uint32
	size   uint32
	err    error
}

// NewReader returns a reader of the file that r gives. It reads r ahead. The error tells that r gives no gzip file.
func NewReader(r io.Reader) (*Reader, error) {
	z := &Reader{f: inflater{src: r, in: make([]byte, inSize+padding), out: make([]byte, outSize)}}
	err := z.begin()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	return z, nil
}

// Read implements io.Reader. It returns io.EOF only after the checksum was compared.
func (z *Reader) Read(p []byte) (int, error) {
	for {
		if n := copy(p, z.f.out[z.f.given:z.f.next]); n > 0 || len(p) == 0 {
			z.f.given += n
			return n, nil
		}
		if z.err != nil {
			return 0, z.err
		}
		z.err = z.more()
	}
}

// more unpacks more, or goes on to the next member.
func (z *Reader) more() error {
	if !z.inside {
		return z.begin()
	}
	done, err := z.f.unpack()
	fresh := z.f.out[z.f.given:z.f.next]
	z.crc = crc32.Update(z.crc, crc32.IEEETable, fresh)
	z.size += uint32(len(fresh))
	if err == nil && done {
		z.inside = false
		err = z.trailer()
	}
	return err
}

// trailer compares the checksum and size of a member.
func (z *Reader) trailer() error {
	var b [8]byte
	if err := z.full(b[:]); err != nil {
		return err
	}
	if binary.LittleEndian.Uint32(b[:]) != z.crc || binary.LittleEndian.Uint32(b[4:]) != z.size {
		return errChecksum
	}
	return nil
}

// byte returns the next byte of the input, between members only. The error is io.EOF at its end.
func (z *Reader) byte() (byte, error) {
	f := &z.f
	if f.pos == f.end && !f.ended {
		if err := f.more(); err != nil {
			return 0, err
		}
	}
	if f.ended && f.pos >= f.end-padding {
		return 0, io.EOF
	}
	f.pos++
	return f.in[f.pos-1], nil
}

func (z *Reader) full(b []byte) error {
	for i := range b {
		c, err := z.byte()
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		b[i] = c
	}
	return nil
}

// The flags of a member's header.
const (
	flagHeaderCRC = 1 << 1
	flagExtra     = 1 << 2
	flagName      = 1 << 3
	flagComment   = 1 << 4
)

// begin reads the header of a member. The error is io.EOF when there is none.
func (z *Reader) begin() error {
	var head [10]byte
	c, err := z.byte()
	if err != nil {
		return err
	}
	head[0] = c
	if err := z.full(head[1:]); err != nil {
		return err
	}
	if head[0] != 0x1f || head[1] != 0x8b || head[2] != 8 {
		return errHeader
	}
	if err := z.options(head); err != nil {
		return err
	}
	f := &z.f
	f.first = f.next
	f.final, f.stored, f.coded = false, 0, false
	z.inside, z.crc, z.size = true, 0, 0
	return nil
}

// options reads what the header's flags announce.
func (z *Reader) options(head [10]byte) error {
	flags, crc := head[3], crc32.ChecksumIEEE(head[:])
	one := func() (byte, error) {
		var b [1]byte
		err := z.full(b[:])
		crc = crc32.Update(crc, crc32.IEEETable, b[:])
		return b[0], err
	}
	if flags&flagExtra != 0 {
		low, err := one()
		if err != nil {
			return err
		}
		high, err := one()
		if err != nil {
			return err
		}
		for range int(high)<<8 | int(low) {
			if _, err := one(); err != nil {
				return err
			}
		}
	}
	for _, text := range []byte{flagName, flagComment} {
		for c := byte(1); flags&text != 0 && c != 0; {
			var err error
			if c, err = one(); err != nil {
				return err
			}
		}
	}
	if flags&flagHeaderCRC != 0 {
		want := uint16(crc)
		var b [2]byte
		if err := z.full(b[:]); err != nil {
			return err
		}
		if binary.LittleEndian.Uint16(b[:]) != want {
			return errHeader
		}
	}
	return nil
}
