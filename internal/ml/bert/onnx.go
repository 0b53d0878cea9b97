package bert

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/parleybot/parley/internal/ml/f32"
	"github.com/parleybot/parley/internal/ml/weights"
)

// Fields of ONNX's messages (onnx.proto3, IR version 10).
const (
	modelGraph       = 7
	graphNode        = 1
	graphInitializer = 5
	nodeInput        = 1
	nodeOutput       = 2
	nodeOperator     = 4
	tensorDims       = 1
	tensorType       = 2
	tensorFloats     = 4
	tensorName       = 8
	tensorRaw        = 9
	tensorLocation   = 14
)

// onnxTypes are the types of elements that can be read, by number.
var onnxTypes = map[uint64]weights.DType{1: weights.F32, 6: weights.I32, 7: weights.I64, 9: weights.Bool, 10: weights.F16, 11: weights.F64, 16: weights.BF16}

// graph is what of an ONNX graph is needed to find weights.
type graph struct {
	tensors map[string]weights.Tensor
	// products are the matrices that MatMul nodes multiply by, by the name of the product.
	products map[string]string
	// sums are the inputs of Add nodes.
	sums [][2]string
}

// readONNX returns the weights of an encoder that PyTorch exported without fusing operators, under their names in
// transformers. Exporters name biases, yet not the matrices they turn for MatMul: those are found as what is multiplied
// by before the bias is added.
func readONNX(data []byte, config Config) (*weights.Set, error) {
	g := &graph{tensors: make(map[string]weights.Tensor), products: make(map[string]string)}
	if err := g.readModel(data); err != nil {
		return nil, err
	}
	prefix, err := g.prefix(names[config.Type].words)
	if err != nil {
		return nil, err
	}
	set := weights.New()
	for name, t := range g.tensors {
		if short, ok := strings.CutPrefix(name, prefix); ok {
			if err := set.Put(short, t); err != nil {
				return nil, err
			}
		}
	}
	for _, inputs := range g.sums {
		for i, product := range inputs {
			bias, ok := strings.CutPrefix(inputs[1-i], prefix)
			layer, isBias := strings.CutSuffix(bias, ".bias")
			matrix, multiplied := g.tensors[g.products[product]]
			if !ok || !isBias || !multiplied || set.Has(layer+".weight") {
				continue
			}
			if err := putTurned(set, layer+".weight", matrix); err != nil {
				return nil, err
			}
		}
	}
	return set, nil
}

// prefix returns what stands before transformers' names.
func (g *graph) prefix(known string) (string, error) {
	for name := range g.tensors {
		if p, ok := strings.CutSuffix(name, known); ok {
			return p, nil
		}
	}
	return "", fmt.Errorf("there is no tensor %q: export the model with its names, without fused operators and quantization", known)
}

// putTurned adds a matrix with rows and columns exchanged.
func putTurned(set *weights.Set, name string, t weights.Tensor) error {
	if len(t.Shape) != 2 {
		return fmt.Errorf("tensor %q has shape %v", name, t.Shape)
	}
	one := weights.New()
	if err := one.Put(name, t); err != nil {
		return err
	}
	list, err := one.AsFloat32(name)
	if err != nil {
		return err
	}
	turned := f32.New(t.Shape[1], t.Shape[0])
	f32.Wrap(t.Shape[0], t.Shape[1], list).Transpose(turned)
	return set.PutFloat32(name, turned.Data, t.Shape[1], t.Shape[0])
}

func (g *graph) readModel(data []byte) error {
	return fields(data, func(number protowire.Number, value []byte, _ uint64) error {
		if number == modelGraph {
			return fields(value, g.readGraph)
		}
		return nil
	})
}

func (g *graph) readGraph(number protowire.Number, value []byte, _ uint64) error {
	switch number {
	case graphNode:
		return g.readNode(value)
	case graphInitializer:
		name, t, err := readTensor(value)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
		if t.DType != "" {
			g.tensors[name] = t
		}
	}
	return nil
}

func (g *graph) readNode(data []byte) error {
	var inputs, outputs []string
	var operator string
	err := fields(data, func(number protowire.Number, value []byte, _ uint64) error {
		switch number {
		case nodeInput:
			inputs = append(inputs, string(value))
		case nodeOutput:
			outputs = append(outputs, string(value))
		case nodeOperator:
			operator = string(value)
		}
		return nil
	})
	if len(inputs) == 2 && len(outputs) == 1 {
		switch operator {
		case "MatMul":
			g.products[outputs[0]] = inputs[1]
		case "Add":
			g.sums = append(g.sums, [2]string{inputs[0], inputs[1]})
		}
	}
	return err
}

// readTensor reads an initializer. One of a type that is not known has no DType.
func readTensor(data []byte) (name string, t weights.Tensor, err error) {
	var elementType uint64
	var floats []byte
	err = fields(data, func(number protowire.Number, value []byte, n uint64) error {
		switch number {
		case tensorDims:
			return dims(&t.Shape, value, n)
		case tensorType:
			elementType = n
		case tensorName:
			name = string(value)
		case tensorRaw:
			t.Data = value
		case tensorFloats:
			if value == nil {
				return errors.New("its numbers are not packed")
			}
			floats = append(floats, value...)
		case tensorLocation:
			if n == 1 {
				return errors.New("it lies in another file; export the model into a single one")
			}
		}
		return nil
	})
	if err != nil {
		return name, t, err
	}
	if t.Data == nil {
		t.Data = floats
	}
	t.DType = onnxTypes[elementType]
	size := t.DType.Size()
	for _, n := range t.Shape {
		if n < 0 || n > math.MaxInt32 || size > math.MaxInt/(n+1) {
			return name, t, fmt.Errorf("its shape is %v", t.Shape)
		}
		size *= n
	}
	if t.DType != "" && size != len(t.Data) {
		return name, t, fmt.Errorf("%d bytes do not fit the shape %v", len(t.Data), t.Shape)
	}
	return name, t, nil
}

// dims appends a dimension, or several packed ones.
func dims(shape *[]int, packed []byte, single uint64) error {
	if packed == nil {
		*shape = append(*shape, int(single))
		return nil
	}
	for len(packed) > 0 {
		n, size := protowire.ConsumeVarint(packed)
		if size < 0 {
			return protowire.ParseError(size)
		}
		*shape = append(*shape, int(n))
		packed = packed[size:]
	}
	return nil
}

// fields visits the fields of a message: value is what a field of bytes holds and nil for others, whose number is n.
func fields(data []byte, visit func(number protowire.Number, value []byte, n uint64) error) error {
	for len(data) > 0 {
		number, wire, size := protowire.ConsumeTag(data)
		if size < 0 {
			return protowire.ParseError(size)
		}
		data = data[size:]
		var value []byte
		var n uint64
		switch wire {
		case protowire.BytesType:
			value, size = protowire.ConsumeBytes(data)
			if value == nil {
				value = []byte{}
			}
		case protowire.VarintType:
			n, size = protowire.ConsumeVarint(data)
		default:
			size = protowire.ConsumeFieldValue(number, wire, data)
		}
		if size < 0 {
			return protowire.ParseError(size)
		}
		if err := visit(number, value, n); err != nil {
			return err
		}
		data = data[size:]
	}
	return nil
}
