package gunzip

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

func zip(t testing.TB, level int, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, level)
	if err == nil {
		_, err = z.Write(data)
	}
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func unzip(r io.Reader) ([]byte, error) {
	z, err := NewReader(r)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// samples are data that lead to blocks of all kinds.
func samples() map[string][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 300_000)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	var weights []byte
	for range 100_000 {
		weights = binary.LittleEndian.AppendUint32(weights, math.Float32bits(float32(r.NormFloat64()*0.1)))
	}
	skewed := make([]byte, 400_000)
	for i := range skewed {
		skewed[i] = byte(r.ExpFloat64() * r.ExpFloat64() * 8)
	}
	return map[string][]byte{
		"empty": {}, "one": {7}, "noise": noise, "weights": weights, "skewed": skewed, "zeros": make([]byte, 400_000),
		"text":    []byte(strings.Repeat("a sparse layer and a dense layer, ", 9000)),
		"far":     append(append(bytes.Clone(noise[:32768]), noise[:32768]...), noise[:32768]...),
		"mixture": bytes.Join([][]byte{noise[:70000], make([]byte, 70000), weights[:70000], []byte(strings.Repeat("abc", 30000)), skewed}, nil),
	}
}

func TestUnpack(t *testing.T) {
	for name, data := range samples() {
		for _, level := range []int{gzip.HuffmanOnly, gzip.NoCompression, gzip.BestSpeed, gzip.DefaultCompression, gzip.BestCompression} {
			t.Run(fmt.Sprint(name, level), func(t *testing.T) {
				packed := zip(t, level, data)
				for what, r := range map[string]io.Reader{
					"whole": bytes.NewReader(packed), "halves": iotest.HalfReader(bytes.NewReader(packed)), "end": iotest.DataErrReader(bytes.NewReader(packed)),
				} {
					got, err := unzip(r)
					if err != nil || !bytes.Equal(got, data) {
						t.Errorf("%s: %d bytes, %v, want %d", what, len(got), err, len(data))
					}
				}
			})
		}
	}
}

func TestMembers(t *testing.T) {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	z.Name, z.Comment, z.Extra = "weights", "of a model", []byte("extra")
	_, err := z.Write([]byte("one "))
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	packed := append(out.Bytes(), zip(t, 6, []byte("two"))...)
	if got, err := unzip(iotest.OneByteReader(bytes.NewReader(packed))); err != nil || string(got) != "one two" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := unzip(bytes.NewReader(append(packed, "rubbish, more than ten bytes"...))); !errors.Is(err, errHeader) {
		t.Errorf("what follows gives %v", err)
	}
}

// TestCutOff cuts files at every byte.
func TestCutOff(t *testing.T) {
	for name, data := range samples() {
		packed := zip(t, 6, data[:min(len(data), 400)])
		for i := range packed {
			if _, err := unzip(bytes.NewReader(packed[:i])); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("%s, cut after %d bytes: %v", name, i, err)
			}
		}
	}
}

// TestDamage changes every byte behind the header; none of it may pass.
func TestDamage(t *testing.T) {
	for name, data := range samples() {
		packed := zip(t, 6, data[:min(len(data), 400)])
		for i := 10; i < len(packed); i++ {
			damaged := bytes.Clone(packed)
			damaged[i] ^= 0x41
			if got, err := unzip(bytes.NewReader(damaged)); err == nil && !bytes.Equal(got, data[:min(len(data), 400)]) {
				t.Fatalf("%s: byte %d was changed unnoticed", name, i)
			}
		}
	}
}

func TestSourceFails(t *testing.T) {
	packed := zip(t, 6, samples()["weights"])
	broken := errors.New("the disk is gone")
	r := io.MultiReader(bytes.NewReader(packed[:len(packed)/2]), iotest.ErrReader(broken))
	if _, err := unzip(r); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// FuzzUnpack states that compress/gzip gives the same, or fails, too.
func FuzzUnpack(f *testing.F) {
	for _, data := range samples() {
		for _, level := range []int{0, 1, 9, gzip.HuffmanOnly} {
			f.Add(zip(f, level, data[:min(len(data), 500)]))
		}
	}
	f.Fuzz(func(t *testing.T, packed []byte) {
		var want []byte
		z, wantErr := gzip.NewReader(bytes.NewReader(packed))
		if wantErr == nil {
			want, wantErr = io.ReadAll(io.LimitReader(z, 1<<22))
			if len(want) == 1<<22 {
				return
			}
		}
		got, err := unzip(bytes.NewReader(packed))
		if (err == nil) != (wantErr == nil) || err == nil && !bytes.Equal(got, want) {
			t.Fatalf("%d bytes, %v, want %d, %v", len(got), err, len(want), wantErr)
		}
	})
}

func BenchmarkUnpack(b *testing.B) {
	for _, name := range []string{"weights", "text"} {
		data := samples()[name]
		packed := zip(b, 9, data)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := unzip(bytes.NewReader(packed)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
