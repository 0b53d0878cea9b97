package testservers

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// family returns a process, all that descend from it and, first, what stands for the group of it. Groups alone do not do:
// each process of PostgreSQL makes one of its own.
func family(pid int) []int {
	children := map[int][]int{}
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		if parent, _, err := readStat(file); err == nil {
			id, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			children[parent] = append(children[parent], id)
		}
	}
	all := []int{-pid, pid}
	for i := 1; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}

// readStat returns a process's parent and its state, a letter.
func readStat(file string) (parent int, state string, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, "", err
	}
	// The second field is the program's name in brackets; it may hold anything.
	fields := strings.Fields(string(text[strings.LastIndex(string(text), ")")+1:]))
	if len(fields) < 2 {
		return 0, "", fmt.Errorf("%s has %d fields", file, len(fields))
	}
	parent, err = strconv.Atoi(fields[1])
	return parent, fields[0], err
}

// anyRuns reports whether any of the processes is left. One that has ended but was not waited for by its parent counts as
// gone.
func anyRuns(ids []int) bool {
	return slices.ContainsFunc(ids, func(id int) bool {
		if errors.Is(syscall.Kill(id, 0), syscall.ESRCH) {
			return false
		}
		_, state, err := readStat(fmt.Sprintf("/proc/%d/stat", max(id, 0)))
		return err == nil && state != "Z"
	})
}
