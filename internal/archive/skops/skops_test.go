package skops

import (
	"archive/zip"
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/parleybot/parley/internal/value"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestLogisticRegression(t *testing.T) {
	o, err := DecodeObject(read(t, "logistic.skops"), "sklearn.linear_model._logistic.LogisticRegression")
	if err != nil {
		t.Fatal(err)
	}
	a, err := o.Array("classes_")
	if err != nil {
		t.Fatal(err)
	}
	if classes, err := a.Strings(); err != nil || !cmp.Equal(classes, []string{"bye", "größe", "yes"}) {
		t.Errorf("classes %q, %v", classes, err)
	}
	if coef, err := o.Floats("coef_", 3, 3); err != nil || len(coef) != 9 || coef[0] == 0 {
		t.Errorf("coef %v, %v", coef, err)
	}
	if _, err := o.Floats("coef_", 3, 4); err == nil || !strings.Contains(err.Error(), "LogisticRegression.coef_: it has shape [3 3], not [3 4]") {
		t.Errorf("a wrong shape gives %v", err)
	}
	if o.Attributes.Value("multi_class") != "auto" || o.Attributes.Value("fit_intercept") != true {
		t.Errorf("attributes %v", o.Attributes)
	}
	if _, err := DecodeObject(read(t, "logistic.skops"), "SVC"); err == nil {
		t.Error("another class gives no error")
	}
}

func TestSupportVectors(t *testing.T) {
	o, err := DecodeObject(read(t, "svc.skops"), "sklearn.svm._classes.SVC")
	if err != nil {
		t.Fatal(err)
	}
	count, err := o.Ints("_n_support", 3)
	if err != nil {
		t.Fatal(err)
	}
	n := count[0] + count[1] + count[2]
	if v, err := o.Floats("support_vectors_", n, 3); err != nil || len(v) != 3*n {
		t.Errorf("%v, %v", v, err)
	}
	if _, err := o.Floats("_probA", 3); err != nil {
		t.Error(err)
	}
	if o.Attributes.Value("kernel") != "rbf" || o.Attributes.Value("random_state") != int64(3) {
		t.Errorf("attributes %v", o.Attributes)
	}
}

func TestValues(t *testing.T) {
	v, err := Decode(read(t, "values.skops"))
	if err != nil {
		t.Fatal(err)
	}
	m := v.(*value.Map)
	numbers := m.List("numbers")
	if f, ok := numbers[2].(float64); !ok || !math.IsNaN(f) {
		t.Errorf("NaN is %v", numbers[2])
	}
	numbers[2] = nil
	floats := func(name string) any {
		f, err := m.Value(name).(*Array).Floats()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return f
	}
	texts, err := m.Value("text").(*Array).Strings()
	if err != nil {
		t.Error(err)
	}
	for name, c := range map[string]struct{ got, want any }{
		"numbers": {numbers, []any{int64(1), -2.5, nil, math.Inf(1), true, nil, int64(1) << 40}},
		"tuple":   {m.Value("tuple"), []any{int64(1), "two"}},
		"set":     {m.Value("set"), []any{int64(3)}},
		"bytes":   {m.Value("bytes"), []byte("\x00a")},
		"fortran": {floats("fortran"), []float64{0, 1, 2, 3, 4, 5}},
		"object":  {m.Value("object").(*Array).Objects(), []any{"a", nil, int64(1), 2.5}},
		"shape":   {m.Value("object").(*Array).Shape, []int{2, 2}},
		"text":    {texts, []string{"", "ab", "😀"}},
		"scalar":  {floats("scalar"), []float64{0.5}},
		"shorts":  {floats("shorts"), []float64{-1, 2}},
		"flags":   {floats("flags"), []float64{1, 0}},
		"empty":   {floats("empty"), []float64{}},
		"type":    {m.Value("type"), Type("builtins.int")},
		"slice":   {m.Value("slice"), []any{int64(1), nil, int64(2)}},
		"5":       {m.Value("5"), "a key that is a number"},
	} {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(c.want, c.got); d != "" {
				t.Error(d)
			}
		})
	}
}

func pack(t testing.TB, members ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for i := 0; i < len(members); i += 2 {
		w, err := z.Create(members[i])
		if err == nil {
			_, err = w.Write([]byte(members[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func npy(header, data string) string {
	return "\x93NUMPY\x01\x00" + string([]byte{byte(len(header)), 0}) + header + data
}

func TestDecodeRefuses(t *testing.T) {
	schema := func(node string) []byte {
		return pack(t, schemaFile, strings.Replace(node, "{", `{"protocol":1,`, 1))
	}
	array := func(file string) []byte {
		return pack(t, schemaFile, `{"protocol":1,"__loader__":"NdArrayNode","type":"numpy","file":"a.npy"}`, "a.npy", file)
	}
	deep := strings.Repeat(`{"__loader__":"ListNode","content":[`, 100) + strings.Repeat(`]}`, 100)
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":          {nil, "zip"},
		"no schema":        {pack(t, "a", "b"), `member "schema.json" is missing`},
		"twice":            {pack(t, "a", "b", "a", "c"), `member "a" occurs twice`},
		"no JSON":          {pack(t, schemaFile, "["), "schema.json"},
		"protocol":         {pack(t, schemaFile, `{"protocol":2}`), "protocol 2 is not known"},
		"function":         {read(t, "function.skops"), `"FunctionNode" (numpy.linalg.norm) is not known`},
		"nested":           {schema(`{"__loader__":"DictNode","content":{"a":{"__loader__":"ListNode","content":[{"__loader__":"PartialNode"}]}}}`), `a: [0]: a node of type "PartialNode"`},
		"deep":             {schema(deep), "nested more than 64 deep"},
		"no node":          {schema(`{"__loader__":"ListNode","content":[1]}`), "is no node"},
		"member missing":   {schema(`{"__loader__":"NdArrayNode","type":"numpy","file":"x"}`), `member "x" is missing`},
		"array type":       {schema(`{"__loader__":"NdArrayNode","type":"pickle"}`), `"pickle" is not known`},
		"bomb":             {pack(t, schemaFile, strings.Repeat(" ", 40<<20)), `member "schema.json": 41943040 bytes are too much`},
		"no array":         {array("hello, this is text"), `member "a.npy": it is no file of numpy`},
		"cut header":       {array("\x93NUMPY\x01\x00\xff\xff1234"), "cut off"},
		"header":           {array(npy("{'descr': '<f8'}", "")), "is not known"},
		"pickled":          {array(npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", "x")), `"|O" cannot be read`},
		"size":             {array(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", "12345678")), "shape [2] of type <f8 does not fit 8 bytes"},
		"overflow":         {array(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", "")), "is wrong"},
		"overflowing size": {array(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2305843009213693952,), }", "")), "does not fit"},
		"dimension":        {array(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,), }", "")), "shape (99999999999999999999,) is wrong"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Decode(c.data); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// FuzzDecode states that no schema with an array beside it makes the decoder panic.
func FuzzDecode(f *testing.F) {
	for _, name := range []string{"logistic.skops", "values.skops"} {
		d := &decoder{files: map[string]*zip.File{}, size: math.MaxUint32}
		z, err := zip.NewReader(bytes.NewReader(read(f, name)), int64(len(read(f, name))))
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range z.File {
			d.files[file.Name] = file
		}
		schema, err := d.member(schemaFile)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(schema, []byte(npy("{'descr': '<U2', 'fortran_order': True, 'shape': (1, 1), }", "12345678")))
	}
	f.Fuzz(func(t *testing.T, schema, array []byte) {
		v, err := Decode(pack(t, schemaFile, string(schema), "a.npy", string(array)))
		if err == nil && v != nil {
			if a, ok := v.(*Array); ok && a.Len() > len(array)+len(schema) {
				t.Fatal("an array has more elements than bytes")
			}
		}
		if a, err := ParseNpy(array); err == nil {
			if _, err := a.Strings(); err != nil {
				_, err = a.Floats()
				if err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
