// Command docgen writes the reference pages from what the program knows of itself: the specs of everything that can
// be named in a configuration file, and the commands with their flags.
//
//	docgen DIR          write the pages
//	docgen -check DIR   say which pages are stale, and exit with status 1 if any is
package main

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

func main() {
	check := flag.Bool("check", false, "compare instead of writing")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: docgen [-check] DIR")
		os.Exit(2)
	}
	if err := run(flag.Arg(0), *check); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run writes or checks all pages below dir. Files there that no page stands for are stale too.
func run(dir string, check bool) error {
	pages := pages()
	if !check {
		return write(dir, pages)
	}
	stale, err := compare(dir, pages)
	if err != nil {
		return err
	}
	if len(stale) > 0 {
		return fmt.Errorf("stale pages in %s, run `make docs`: %v", dir, stale)
	}
	return nil
}

func write(dir string, pages map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("writing reference pages: %w", err)
	}
	for name, page := range pages {
		if err := os.WriteFile(filepath.Join(dir, name), page, 0o644); err != nil {
			return fmt.Errorf("writing reference pages: %w", err)
		}
	}
	return nil
}

func compare(dir string, pages map[string][]byte) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("checking reference pages: %w", err)
	}
	var stale []string
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		written, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !bytes.Equal(written, pages[name]) {
			stale = append(stale, name)
		}
	}
	for _, entry := range entries {
		if _, ok := pages[entry.Name()]; !ok {
			stale = append(stale, entry.Name())
		}
	}
	return stale, nil
}
