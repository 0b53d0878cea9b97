package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// loads is how often loading is measured; the first, which has nothing prepared, and the fastest are shown.
	loads = 5
	// messages is how many are sent to find out what one costs, after warmUp others.
	messages, warmUp = 400, 40
)

// texts are what is said; none is an example of the training data.
var texts = []string{
	"hey there, good morning to you", "i am feeling rather good today", "not so well, i am a bit down",
	"are you a bot or a person", "yes please do that", "no i would rather not", "see you later then",
}

// defaultBot trains a bot with the default pipeline and policies and serves it.
func (b *bench) defaultBot(ctx context.Context) error {
	dir := filepath.Join(b.dir, "bot")
	if err := os.CopyFS(dir, os.DirFS(b.bot)); err != nil {
		return fmt.Errorf("copying %s: %w", b.bot, err)
	}
	config := "recipe: default.v1\nlanguage: en\nassistant_id: bench\npipeline: null\npolicies: null\n"
	if err := os.WriteFile(filepath.Join(dir, "config.yml"), []byte(config), 0o600); err != nil {
		return fmt.Errorf("writing the configuration: %w", err)
	}
	u, err := b.command(ctx, dir, "train", "--force", "--fixed-model-name", "model")
	if err != nil {
		return err
	}
	figure("default bot: training, CPU", fmt.Sprintf("%.2f s", u.cpu.Seconds()), "106 s for a bot of this size")
	figure("default bot: training, peak memory", fmt.Sprintf("%.0f MB", u.megabytes), "1150 MB")
	return b.serving(ctx, "default bot", filepath.Join(dir, modelFile))
}

// archiveOfRasa serves an archive that Rasa trained.
func (b *bench) archiveOfRasa(ctx context.Context) error {
	data, err := os.ReadFile(b.archive)
	if err != nil {
		return fmt.Errorf("reading the archive: %w", err)
	}
	dir := filepath.Join(b.dir, "archive")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	file := filepath.Join(dir, "rasa.tar.gz") // a copy: what is prepared beside it goes away with the run
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return fmt.Errorf("copying the archive: %w", err)
	}
	return b.serving(ctx, "archive trained by Rasa", file)
}

// serving measures loading and answering.
func (b *bench) serving(ctx context.Context, name, file string) error {
	fastest := time.Duration(0)
	for i := range loads {
		s, took, err := b.start(ctx, file)
		if err != nil {
			return err
		}
		if i == 0 {
			figure(name+": exec to first answer, first time", milliseconds(took), "67 s")
		}
		if fastest == 0 || took < fastest {
			fastest = took
		}
		s.stop()
	}
	figure(name+": exec to first answer, fastest", milliseconds(fastest), "")
	s, _, err := b.start(ctx, file)
	if err != nil {
		return err
	}
	defer s.stop()
	resident, err := s.resident()
	if err != nil {
		return err
	}
	figure(name+": resident after the first answer", fmt.Sprintf("%.1f MB", resident), "1.1 GB")
	parse, err := s.cost(ctx, s.parse)
	if err != nil {
		return err
	}
	figure(name+": CPU to parse a message over HTTP", milliseconds(parse), "15 ms")
	turn, err := s.cost(ctx, s.talk)
	if err != nil {
		return err
	}
	figure(name+": CPU of a whole turn over HTTP", milliseconds(turn), "55 ms")
	if resident, err = s.resident(); err != nil {
		return err
	}
	figure(name+": resident after the load", fmt.Sprintf("%.1f MB", resident), "")
	return nil
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.3g ms", float64(d)/float64(time.Millisecond))
}

// server is parley with a model.
type server struct {
	cmd *exec.Cmd
	url string
}

// start returns a server that has answered, and how long that took from its start.
func (b *bench) start(ctx context.Context, file string) (*server, time.Duration, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, 0, fmt.Errorf("looking for a free port: %w", err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		return nil, 0, fmt.Errorf("looking for a free port: %w", err)
	}
	host, port, _ := strings.Cut(address, ":")
	s := &server{url: "http://" + address}
	s.cmd = exec.CommandContext(ctx, b.parley, "run", "--enable-api", "-i", host, "-p", port, "--model", file, "--quiet")
	s.cmd.Dir = filepath.Dir(file)
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, 0, fmt.Errorf("starting parley: %w", err)
	}
	for time.Since(began) < time.Minute {
		if s.post(ctx, "/webhooks/rest/webhook", `{"sender":"first","message":"hello"}`) == nil {
			return s, time.Since(began), nil
		}
		time.Sleep(time.Millisecond)
	}
	s.stop()
	return nil, 0, errors.New("parley gives no answer")
}

func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended on its own
	_ = s.cmd.Wait()                          // the signal is its exit status
}

func (s *server) post(ctx context.Context, path, body string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+path, strings.NewReader(body))
	if err != nil {
		return fmt.Errorf("making a request: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("sending a request: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return fmt.Errorf("reading an answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers with status %d", path, resp.StatusCode)
	}
	return nil
}

// parse and talk make every text a new one, so that nothing can be remembered.
func (s *server) parse(ctx context.Context, i int) error {
	return s.post(ctx, "/model/parse", fmt.Sprintf(`{"text":"%s %d"}`, texts[i%len(texts)], i))
}

func (s *server) talk(ctx context.Context, i int) error {
	return s.post(ctx, "/webhooks/rest/webhook", fmt.Sprintf(`{"sender":"s%d","message":"%s %d"}`, i/5, texts[i%len(texts)], i))
}

// cost returns the processor time of the server for one call.
func (s *server) cost(ctx context.Context, call func(context.Context, int) error) (time.Duration, error) {
	var before time.Duration
	for i := range warmUp + messages {
		if i == warmUp {
			var err error
			if before, err = s.cpu(); err != nil {
				return 0, err
			}
		}
		if err := call(ctx, i); err != nil {
			return 0, err
		}
	}
	after, err := s.cpu()
	return (after - before) / messages, err
}

// cpu returns the processor time of the process. Its threads' clocks count nanoseconds where those of /proc/PID/stat
// count hundredths of a second.
func (s *server) cpu() (time.Duration, error) {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", s.cmd.Process.Pid))
	if err != nil || len(tasks) == 0 {
		return 0, fmt.Errorf("reading processor times of process %d: %w", s.cmd.Process.Pid, errors.Join(err, os.ErrNotExist))
	}
	var sum int64
	for _, task := range tasks {
		data, err := os.ReadFile(task)
		if err != nil {
			return 0, fmt.Errorf("reading processor times: %w", err)
		}
		used, _, _ := strings.Cut(string(data), " ")
		n, err := strconv.ParseInt(used, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("reading processor times: %w", err)
		}
		sum += n
	}
	return time.Duration(sum), nil
}

// resident returns what of the process is in memory, in megabytes.
func (s *server) resident() (float64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("reading memory: %w", err)
	}
	fields := strings.Fields(string(data))
	if len(fields) < 2 {
		return 0, errors.New("reading memory: too few fields")
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("reading memory: %w", err)
	}
	return float64(pages*int64(os.Getpagesize())) / (1 << 20), nil
}
