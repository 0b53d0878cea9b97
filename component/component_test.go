package component

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/parleybot/parley/internal/value"
)

type grinder struct {
	Size    int      `option:"size"`
	Ratio   float64  `option:"ratio"`
	Loud    bool     `option:"loud"`
	Label   string   `option:"label"`
	Limit   *int     `option:"limit"`
	Beans   []string `option:"beans"`
	Extra   any      `option:"extra"`
	private int
}

func grinders() *Registry[*grinder] {
	r := NewRegistry[*grinder]("component")
	r.Register(Spec{Name: "BurrGrinder", Fields: []Field{
		{Name: "size", Kind: Int, Default: int64(3)},
		{Name: "ratio", Kind: Float, Default: 0.5},
		{Name: "loud", Kind: Bool, Default: true},
		{Name: "label", Kind: String, Choices: []string{"fine", "coarse"}, Default: "fine"},
		{Name: "limit", Kind: Int},
		{Name: "beans", Kind: Strings},
		{Name: "extra", Kind: Any},
	}}, func(cfg Config) (*grinder, error) {
		g := &grinder{}
		return g, cfg.Decode(g)
	})
	r.Unsupported("BladeGrinder", "use BurrGrinder")
	return r
}

func TestBuildErrors(t *testing.T) {
	at := func(key string) string { return "config.yml:13:7" }
	cases := []struct {
		name    string
		cfg     Config
		want    string
		wantErr error
	}{
		{"misspelt", Config{Name: "BurGrinder", Pos: "config.yml:12:5"},
			`config.yml:12:5: component "BurGrinder" is not known; did you mean "BurrGrinder"?`, ErrUnknown},
		{"nothing near", Config{Name: "Kettle", Pos: "config.yml:12:5"},
			`config.yml:12:5: component "Kettle" is not known`, ErrUnknown},
		{"unsupported", Config{Name: "rasa.kitchen.BladeGrinder", Pos: "config.yml:2:1"},
			`config.yml:2:1: component "rasa.kitchen.BladeGrinder" is not available in this version of parley; use BurrGrinder`, ErrUnsupported},
		{"custom class", Config{Name: "my.module.Grinder"},
			`component "my.module.Grinder" is a Python class of the project, which parley cannot run`, ErrUnsupported},
		{"wrong type", Config{Name: "BurrGrinder", Options: value.NewMap("size", "big"), At: at},
			`config.yml:13:7: component "BurrGrinder": option "size" must be an integer, not "big"`, nil},
		{"null number", Config{Name: "BurrGrinder", Options: value.NewMap("ratio", nil)},
			`component "BurrGrinder": option "ratio" must be a number, not null`, nil},
		{"mixed list", Config{Name: "BurrGrinder", Options: value.NewMap("beans", []any{"a", int64(1)})},
			`component "BurrGrinder": option "beans" must be a list of strings, not a list`, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := grinders().Build(c.cfg)
			if err == nil || err.Error() != c.want {
				t.Fatalf("error is %v, want %s", err, c.want)
			}
			if c.wantErr != nil && !errors.Is(err, c.wantErr) {
				t.Errorf("error does not wrap %v", c.wantErr)
			}
		})
	}
}

func TestBuildDecodes(t *testing.T) {
	r := grinders()
	g, err := r.Build(Config{Name: "rasa.kitchen.BurrGrinder", Options: value.NewMap(
		"limit", int64(7), "loud", "", "ratio", int64(2), "beans", []any{"x"}, "unheard_of", int64(1))})
	if err != nil {
		t.Fatal(err)
	}
	if g.Size != 3 || g.Label != "fine" || g.Limit == nil || *g.Limit != 7 || g.Loud || g.Ratio != 2 || len(g.Beans) != 1 {
		t.Errorf("decoded %+v", g)
	}
	if g, _ = r.Build(Config{Name: "BurrGrinder"}); g.Limit != nil || !g.Loud || g.private != 0 {
		t.Errorf("defaults are %+v", g)
	}
}

func TestCheckWarns(t *testing.T) {
	ws, err := grinders().Check(Config{Name: "BurrGrinder", Pos: "config.yml:9:3",
		Options: value.NewMap("siez", int64(1), "label", "rough", "name", "x")})
	if err != nil || len(ws) != 2 {
		t.Fatalf("warnings %v, err %v", ws, err)
	}
	want := `config.yml:9:3: component "BurrGrinder" has no option "siez", it is ignored; did you mean "size"?`
	if ws[0].String() != want {
		t.Errorf("got %s, want %s", ws[0], want)
	}
}

func TestRegisterTwicePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	grinders().Register(Spec{Name: "BladeGrinder"}, nil)
}

func TestSpecsAreSorted(t *testing.T) {
	r := grinders()
	r.Register(Spec{Name: "AeroPress"}, nil)
	specs := r.Specs()
	if len(specs) != 2 || specs[0].Name != "AeroPress" || specs[1].Name != "BurrGrinder" {
		t.Errorf("specs %v", specs)
	}
}

func TestMemoryResource(t *testing.T) {
	var r MemoryResource
	if _, err := r.Get("a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file gives %v", err)
	}
	data := []byte("one")
	if err := r.Put("b", data); err != nil {
		t.Fatal(err)
	}
	data[0] = 'X'
	got, err := r.Get("b")
	if err != nil || string(got) != "one" {
		t.Errorf("got %q, %v", got, err)
	}
	if names := r.Names(); len(names) != 1 || names[0] != "b" {
		t.Errorf("names %v", names)
	}
}
