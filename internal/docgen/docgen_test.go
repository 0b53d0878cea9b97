package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
)

func TestSpecPage(t *testing.T) {
	page := string(specPage("Parts", "What there is.", []component.Spec{
		{Name: "Plain", Summary: "Does nothing."},
		{Name: "Rich", Summary: "Does a lot.", Source: "rasa/rich.py", Requires: []string{"tokenizer"}, NotLanguages: []string{"zh", "ja"},
			Fields: []component.Field{
				{Name: "analyzer", Kind: component.String, Default: "word", Choices: []string{"word", "char"}, Doc: "Words | letters."},
				{Name: "limit", Kind: component.Int, Doc: "How many."},
			}},
	}))
	for _, want := range []string{
		"# Parts\n\nWhat there is.\n",
		"- [Plain](#plain): Does nothing.\n",
		"## Plain\n\nDoes nothing.\n\nIt has no options.\n",
		"Needs before it: tokenizer.\n",
		"Refuses the languages zh, ja.\n",
		"| `analyzer` | `word`, `char` | `\"word\"` | Words \\| letters. |\n",
		"| `limit` | int | `null` | How many. |\n",
		"Behaves as `rasa/rich.py` of Rasa 3.6.21.\n",
	} {
		require.Contains(t, page, want)
	}
}

func TestCommandPage(t *testing.T) {
	root := &cobra.Command{Use: "tool", Short: "Does things"}
	root.PersistentFlags().CountP("verbose", "v", "say more")
	sub := &cobra.Command{Use: "sing [song]", Short: "Sings", Run: func(*cobra.Command, []string) {}}
	sub.Flags().IntP("times", "n", 2, "how often")
	sub.Flags().Bool("secret", false, "")
	root.AddCommand(sub, &cobra.Command{Use: "hush", Hidden: true, Run: func(*cobra.Command, []string) {}})

	page := string(commandPage(root))
	require.Contains(t, page, "| `-v`, `--verbose` |  | say more |\n")
	require.Contains(t, page, "## tool sing\n\nSings.\n\n    tool sing [song] [flags]\n")
	require.Contains(t, page, "| `-n`, `--times TIMES` | `2` | how often |\n")
	require.NotContains(t, page, "secret")
	require.NotContains(t, page, "hush")
}

func TestStalePages(t *testing.T) {
	dir := t.TempDir()
	pages := map[string][]byte{"a.md": []byte("a"), "b.md": []byte("b")}
	require.NoError(t, write(dir, pages))
	stale, err := compare(dir, pages)
	require.NoError(t, err)
	require.Empty(t, stale)

	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.md"), []byte("old"), 0o600))
	require.NoError(t, os.Remove(filepath.Join(dir, "b.md")))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "gone.md"), nil, 0o600))
	stale, err = compare(dir, pages)
	require.NoError(t, err)
	require.Equal(t, []string{"a.md", "b.md", "gone.md"}, stale)
}
