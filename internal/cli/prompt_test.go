package cli

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/internal/value"
)

// TestChooseIgnoresSlash types a slash while buttons are shown: they must stay, so that enter chooses one.
func TestChooseIgnoresSlash(t *testing.T) {
	in, keys := io.Pipe()
	go func() {
		_, err := io.WriteString(keys, "/z")
		if err == nil {
			_, err = io.WriteString(keys, "\r")
		}
		if err != nil {
			t.Error(err)
		}
	}()
	p := &terminalPrompt{in: in, out: io.Discard}
	sent, err := p.choose("Boats?", []any{value.NewMap("title", "Canoe", "payload", "/canoe")})
	require.NoError(t, err)
	require.Equal(t, "/canoe", sent)
}
