//go:build benchstores

package stores

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// remote is a worker in a process of its own.
type remote struct {
	t   *testing.T
	pid int
	in  io.WriteCloser
	out *bufio.Reader
}

// startWorker starts a process that understands orders; it ends with the test.
func startWorker(t *testing.T, variable string, argv ...string) *remote {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), variable, "RASA_TELEMETRY_ENABLED=false", "PYTHONWARNINGS=ignore", "SQLALCHEMY_SILENCE_UBER_WARNING=1",
		"TF_CPP_MIN_LOG_LEVEL=3", "AWS_ACCESS_KEY_ID=bench", "AWS_SECRET_ACCESS_KEY=bench")
	cmd.Dir = t.TempDir()
	var problems bytes.Buffer
	cmd.Stderr = &problems
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close() // that is how it ends
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v: %s", argv[0], err, &problems)
		}
	})
	return &remote{t, cmd.Process.Pid, in, bufio.NewReaderSize(out, 1<<20)}
}

// do gives an order. The error is the worker's.
func (r *remote) do(o order) (answer, error) {
	r.t.Helper()
	line, err := json.Marshal(o)
	require.NoError(r.t, err)
	_, err = r.in.Write(append(line, '\n'))
	require.NoError(r.t, err)
	for {
		text, err := r.out.ReadBytes('\n')
		require.NoError(r.t, err)
		var a answer
		if json.Unmarshal(text, &a) != nil {
			continue // what libraries print
		}
		if a.Error != "" {
			return a, errors.New(a.Error)
		}
		return a, nil
	}
}

// files returns how many bytes a process has read and written by system calls so far, 0 where /proc does not tell.
func files(pid int) traffic {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", pid))
	if err != nil {
		return traffic{}
	}
	var t traffic
	for line := range strings.Lines(string(text)) {
		key, n, _ := strings.Cut(strings.TrimSpace(line), ": ")
		value, _ := strconv.ParseInt(n, 10, 64)
		switch key {
		case "rchar":
			t.down = value
		case "wchar":
			t.up = value
		}
	}
	return t
}

// tick is what /proc counts processor time in: the same on all machines that have it.
const tick = 10_000 // microseconds

// processorTime returns what a process and all below it have used so far, in microseconds; 0 where /proc does not tell.
func processorTime(pid int) float64 {
	sum := 0.0
	for _, id := range append([]int{pid}, children(pid)...) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", id))
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		for _, i := range []int{11, 12} { // utime and stime
			n, _ := strconv.ParseFloat(fields[i], 64)
			sum += n * tick
		}
	}
	return sum
}

func children(pid int) []int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return nil
	}
	var list []int
	for word := range strings.FieldsSeq(string(text)) {
		if id, err := strconv.Atoi(word); err == nil {
			list = append(append(list, id), children(id)...)
		}
	}
	return list
}
