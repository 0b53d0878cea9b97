package tfbundle

import (
	"encoding/binary"
	"errors"
)

var errCut = errors.New("it is cut off")

// field is one field of a protobuf message: number is set for the wire types of fixed size and varint, data for the
// one with a length.
type field struct {
	id     int
	number uint64
	data   []byte
}

// fields calls f for each field of a protobuf message (https://protobuf.dev/programming-guides/encoding).
func fields(message []byte, f func(field) error) error {
	for len(message) > 0 {
		tag, n := binary.Uvarint(message)
		if n <= 0 || tag>>3 == 0 || tag>>3 > 1<<29 {
			return errors.New("a field's tag is wrong")
		}
		message = message[n:]
		x := field{id: int(tag >> 3)}
		var err error
		if message, err = x.value(tag&7, message); err != nil {
			return err
		}
		if err := f(x); err != nil {
			return err
		}
	}
	return nil
}

// value reads the field's value from the front of message and returns the rest.
func (x *field) value(wireType uint64, message []byte) ([]byte, error) {
	switch wireType {
	case 0:
		v, n := binary.Uvarint(message)
		if n <= 0 {
			return nil, errCut
		}
		x.number = v
		return message[n:], nil
	case 1:
		if len(message) < 8 {
			return nil, errCut
		}
		x.number = binary.LittleEndian.Uint64(message)
		return message[8:], nil
	case 2:
		size, n := binary.Uvarint(message)
		if n <= 0 || size > uint64(len(message)-n) {
			return nil, errCut
		}
		end := n + int(size)
		x.data = message[n:end]
		return message[end:], nil
	case 5:
		if len(message) < 4 {
			return nil, errCut
		}
		x.number = uint64(binary.LittleEndian.Uint32(message))
		return message[4:], nil
	}
	return nil, errors.New("a field's wire type is not known")
}
