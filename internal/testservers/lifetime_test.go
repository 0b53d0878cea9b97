package testservers

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// childVariable makes TestChild start servers and say which processes they are; then it ends or waits, as the value says.
const childVariable = "PARLEY_TESTSERVERS_CHILD"

func TestChild(t *testing.T) {
	how := os.Getenv(childVariable)
	if how == "" {
		t.Skip("it is started by TestNothingIsLeft")
	}
	Redis(t)
	Postgres(t)
	Mongo(t)
	own := PostgresServer(t)
	own.Stop()
	for _, s := range []*Server{sharedRedis.s, sharedPostgres.s, sharedMongo.s, own} {
		for _, pid := range family(s.PID()) {
			fmt.Println("process", pid)
		}
	}
	fmt.Println("directory", reaper.dir)
	fmt.Println("started")
	switch how {
	case "panic":
		panic("as a test might")
	case "wait":
		time.Sleep(time.Hour)
	}
}

// However a test's process ends, nothing of it is left.
func TestNothingIsLeft(t *testing.T) {
	for _, how := range []string{"end", "panic", "wait"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0], "-test.run=^TestChild$", "-test.v")
			cmd.Env = append(os.Environ(), childVariable+"="+how)
			var output bytes.Buffer
			pipe, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			var pids []int
			var dir string
			for lines := bufio.NewScanner(pipe); lines.Scan(); {
				output.WriteString(lines.Text() + "\n")
				if text, ok := strings.CutPrefix(lines.Text(), "process "); ok {
					pid, err := strconv.Atoi(text)
					require.NoError(t, err)
					pids = append(pids, pid)
				}
				if text, ok := strings.CutPrefix(lines.Text(), "directory "); ok {
					dir = text
				}
				if lines.Text() == "started" && how == "wait" {
					require.True(t, anyRuns(pids))
					require.NoError(t, cmd.Process.Kill())
				}
			}
			if err := cmd.Wait(); how == "end" {
				require.NoError(t, err, output.String())
			} else {
				require.Error(t, err)
			}
			require.Greater(t, len(pids), 10, output.String())
			waitUntil(t, "the processes to be gone", func() error {
				if anyRuns(pids) {
					return fmt.Errorf("some of %v run", pids)
				}
				_, err := os.Stat(dir)
				if !os.IsNotExist(err) {
					return fmt.Errorf("%s: %w", dir, err)
				}
				return nil
			})
		})
	}
}

func TestSharedServers(t *testing.T) {
	first, second := Postgres(t), Postgres(t)
	require.NotEqual(t, first, second, "each test has a database of its own")
	for _, url := range []string{first, second} {
		out, err := exec.Command("psql", "-X", url, "-c", "create table a (b int)").CombinedOutput()
		require.NoError(t, err, string(out))
	}
	require.Equal(t, Redis(t), Redis(t))
	require.True(t, strings.HasPrefix(Mongo(t), "mongodb://"))
	require.NotEqual(t, MariaDB(t), MariaDB(t))
}

// What is missing is said with the way to get it.
func TestMissing(t *testing.T) {
	_, err := program("no-such-server")
	require.ErrorContains(t, err, "no-such-server is not installed: run `make testservers`")

	dir := t.TempDir()
	t.Chdir(dir)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module m\n"), 0o600))
	_, err = mongo()
	require.ErrorContains(t, err, "run `make testservers`")
}

// A server that does not start is told with its log.
func TestDoesNotStart(t *testing.T) {
	sp, err := redis("redis", nil, "--no-such-option", "1")
	require.NoError(t, err)
	_, err = start(t, sp)
	require.ErrorContains(t, err, "starting redis: it ended at once; its log ends with:")
	require.ErrorContains(t, err, "no-such-option")
}
