package cli_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/youmark/pkcs8"

	"github.com/parleybot/parley/internal/cli"
)

// logBuffer collects what a server logs while the test reads it.
type logBuffer struct {
	mu   sync.Mutex
	data bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.data.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.data.String()
}

// bot is a running server.
type bot struct {
	t    *testing.T
	url  string
	log  *logBuffer
	stop func() int
	http *http.Client
}

var servingAt = regexp.MustCompile(`msg=serving url=(\S+)`)

// serve runs `parley run` in the current folder until the test ends.
func serve(t *testing.T, args ...string) *bot {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	log := &logBuffer{}
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Run(ctx, append([]string{"run", "-i", "127.0.0.1", "-p", "0"}, args...), strings.NewReader(""), io.Discard, log, "test")
	}()
	var once sync.Once
	code := -1
	stop := func() int {
		once.Do(func() {
			cancel()
			code = <-ended
		})
		return code
	}
	t.Cleanup(func() { stop() })
	b := &bot{t: t, log: log, stop: stop, http: http.DefaultClient}
	b.eventually("the server is up", func() bool {
		if m := servingAt.FindStringSubmatch(log.String()); m != nil {
			b.url = m[1]
		}
		return b.url != ""
	})
	return b
}

// eventually waits for what another goroutine does.
func (b *bot) eventually(what string, done func() bool) {
	b.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			require.Fail(b.t, "waited in vain", "%s\n%s", what, b.log)
		}
	}
}

// request returns status and body of the answer.
func (b *bot) request(method, path, body string) (int, string) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(body))
	require.NoError(b.t, err)
	req.Header.Set("Content-Type", "application/json")
	resp, err := b.http.Do(req)
	require.NoError(b.t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	require.NoError(b.t, err)
	return resp.StatusCode, string(data)
}

// say returns the bot's first answer, "" when there is none.
func (b *bot) say(sender, text string) string {
	b.t.Helper()
	status, body := b.request(http.MethodPost, "/webhooks/rest/webhook", fmt.Sprintf(`{"sender": %q, "message": %q}`, sender, text))
	require.Equal(b.t, http.StatusOK, status, body)
	var answers []struct{ Text string }
	require.NoError(b.t, json.Unmarshal([]byte(body), &answers), body)
	if len(answers) == 0 {
		return ""
	}
	return answers[0].Text
}

// replace edits a file of the project in one step, as editors do.
func replace(t *testing.T, file, old, replacement string) {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(data), old)
	require.NoError(t, os.WriteFile(file+".new", []byte(strings.Replace(string(data), old, replacement, 1)), 0o644))
	require.NoError(t, os.Rename(file+".new", file))
}

const welcome = "Welcome to the Paper Lantern Library"

func TestWatch(t *testing.T) {
	starter(t)
	b := serve(t, "--watch")
	require.Contains(t, b.say("ann", "/greet"), welcome)
	answers := func(text string) func() bool {
		return func() bool { return strings.Contains(b.say("ann", "/greet"), text) }
	}
	t.Run("a changed rule is followed within 200 ms", func(t *testing.T) {
		best := time.Hour
		// The best of some counts, since other tests keep the machine busy.
		for i := range 6 {
			from, to, text := "utter_greet", "utter_goodbye", "creaky step"
			if i%2 == 1 {
				from, to, text = to, from, welcome
			}
			replace(t, "data/rules.yml", "- action: "+from, "- action: "+to)
			began := time.Now()
			b.eventually("the changed rule", answers(text))
			best = min(best, time.Since(began))
		}
		assert.Less(t, best, 200*time.Millisecond)
	})
	t.Run("only what depends on it is trained", func(t *testing.T) {
		before := len(b.log.String())
		replace(t, "domain.yml", welcome, "Come in")
		b.eventually("the changed response", answers("Come in"))
		b.eventually("the report", func() bool { return strings.Contains(b.log.String()[before:], "project trained and served") })
		report := b.log.String()[before:]
		assert.Contains(t, report, `msg="part taken over from an earlier model" component=LogisticRegressionClassifier`)
		assert.NotContains(t, report, "part trained")
	})
	t.Run("a mistake leaves the model and is told by its place", func(t *testing.T) {
		replace(t, "data/rules.yml", "rules:", "rules: [")
		b.eventually("the error", func() bool { return regexp.MustCompile(`data/rules\.yml:\d+:\d+: `).MatchString(b.log.String()) })
		assert.Contains(t, b.say("ann", "/greet"), "Come in")
	})
	t.Run("and is forgotten once it is mended", func(t *testing.T) {
		replace(t, "data/rules.yml", "rules: [", "rules:")
		replace(t, "domain.yml", "Come in", "Step in")
		b.eventually("the mended project", answers("Step in"))
	})
	t.Run("a file that is away for a while leaves the model", func(t *testing.T) {
		require.NoError(t, os.Rename("domain.yml", "domain.away"))
		b.eventually("the error", func() bool { return strings.Contains(b.log.String(), "a whole half of the model") })
		assert.Contains(t, b.say("ann", "/greet"), "Step in")
		require.NoError(t, os.Rename("domain.away", "domain.yml"))
	})
	t.Run("a new folder belongs to the project", func(t *testing.T) {
		require.NoError(t, os.Mkdir("data/more", 0o755))
		require.NoError(t, os.WriteFile("data/more/faq.yml", []byte("version: \"3.1\"\nstories: 7\n"), 0o644))
		b.eventually("the new file", func() bool { return strings.Contains(b.log.String(), "data/more/faq.yml:2:10") })
	})
	assert.Zero(t, b.stop())
}

func TestSwapUnderLoad(t *testing.T) {
	starter(t)
	replace(t, "domain.yml", welcome, "Second")
	code, _, stderr := run(t, "train", "--fixed-model-name", "second")
	require.Zero(t, code, stderr)
	first, err := filepath.Glob("models/2*.tar.gz")
	require.NoError(t, err)
	require.Len(t, first, 1)
	b := serve(t, "--enable-api", "-m", first[0])
	var said atomic.Int64
	var talking sync.WaitGroup
	stop := make(chan struct{})
	for i := range 4 {
		talking.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				answer := b.say(fmt.Sprintf("user %d %d", i, n), "/greet")
				if !assert.True(t, strings.Contains(answer, welcome) || strings.Contains(answer, "Second"), "lost: %q", answer) {
					return
				}
				said.Add(1)
			}
		})
	}
	for i := range 10 {
		file := []string{"models/second.tar.gz", first[0]}[i%2]
		status, body := b.request(http.MethodPut, "/model", fmt.Sprintf(`{"model_file": %q}`, file))
		require.Equal(t, http.StatusNoContent, status, body)
		seen := said.Load()
		b.eventually("messages between two models", func() bool { return said.Load() > seen+4 })
	}
	close(stop)
	talking.Wait()
	assert.Zero(t, b.stop())
}

func TestModelsThatCannotBeServed(t *testing.T) {
	starter(t)
	files, err := filepath.Glob("models/*.tar.gz")
	require.NoError(t, err)
	good, err := os.ReadFile(files[0])
	require.NoError(t, err)
	require.NoError(t, os.Mkdir("bad", 0o755))
	damaged := bytes.Clone(good)
	damaged[len(damaged)/2] ^= 0xff
	for name, data := range map[string][]byte{"empty": nil, "cut": good[:len(good)-100], "damaged": damaged, "other": []byte("no archive")} {
		require.NoError(t, os.WriteFile("bad/"+name+".tar.gz", data, 0o644))
	}
	t.Run("are refused while the old one stays", func(t *testing.T) {
		b := serve(t, "--enable-api")
		for _, name := range []string{"empty", "cut", "damaged", "other", "missing"} {
			status, body := b.request(http.MethodPut, "/model", `{"model_file": "bad/`+name+`.tar.gz"}`)
			assert.Equal(t, http.StatusBadRequest, status, body)
			assert.Contains(t, b.say("ann", "/greet"), welcome, name)
		}
	})
	t.Run("leave a server without model", func(t *testing.T) {
		b := serve(t, "--enable-api", "-m", "bad/damaged.tar.gz")
		assert.Contains(t, b.log.String(), "bad/damaged.tar.gz")
		assert.Empty(t, b.say("ann", "/greet"))
		status, _ := b.request(http.MethodGet, "/status", "")
		assert.Equal(t, http.StatusConflict, status)
		status, body := b.request(http.MethodPut, "/model", fmt.Sprintf(`{"model_file": %q}`, files[0]))
		assert.Equal(t, http.StatusNoContent, status, body)
		assert.Contains(t, b.say("ann", "/greet"), welcome)
	})
	t.Run("a path that does not exist stands for the newest of the usual folder", func(t *testing.T) {
		b := serve(t, "-m", "nowhere")
		assert.Contains(t, b.say("ann", "/greet"), welcome)
	})
}

func TestModelServer(t *testing.T) {
	starter(t)
	files, err := filepath.Glob("models/*.tar.gz")
	require.NoError(t, err)
	var version, unchanged atomic.Int64
	var archive atomic.Pointer[[]byte]
	set := func(file string) {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		archive.Store(&data)
		version.Add(1)
	}
	set(files[0])
	models := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "secret", r.URL.Query().Get("token"))
		etag := fmt.Sprintf(`"v%d"`, version.Load())
		if r.Header.Get("If-None-Match") == etag {
			unchanged.Add(1)
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("ETag", etag)
		w.Header().Set("filename", "pulled.tar.gz")
		_, err := w.Write(*archive.Load())
		assert.NoError(t, err)
	}))
	defer models.Close()
	endpoints := fmt.Sprintf("models:\n  url: %s/models/default\n  token: secret\n  wait_time_between_pulls: 1\n", models.URL)
	require.NoError(t, os.WriteFile("endpoints.yml", []byte(endpoints), 0o644))
	replace(t, "domain.yml", welcome, "Second")
	code, _, stderr := run(t, "train", "--fixed-model-name", "second", "--out", "elsewhere")
	require.Zero(t, code, stderr)

	b := serve(t)
	assert.Contains(t, b.say("ann", "/greet"), welcome)
	b.eventually("a pull without a new model", func() bool { return unchanged.Load() > 0 })
	set("elsewhere/second.tar.gz")
	b.eventually("the new model", func() bool { return strings.Contains(b.say("ann", "/greet"), "Second") })
	assert.Contains(t, b.log.String(), "pulled.tar.gz")
	assert.NotContains(t, b.log.String(), "secret")
	assert.Zero(t, b.stop())
}

func TestTLS(t *testing.T) {
	starter(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	encrypted, err := pkcs8.MarshalPrivateKey(key, []byte("open sesame"), nil)
	require.NoError(t, err)
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	require.NoError(t, os.WriteFile("cert.pem", certificate, 0o600))
	require.NoError(t, os.WriteFile("key.pem", pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: encrypted}), 0o600))
	b := serve(t, "--ssl-certificate", "cert.pem", "--ssl-keyfile", "key.pem", "--ssl-password", "open sesame", "--ssl-ca-file", "cert.pem")
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(certificate))
	b.http = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}
	assert.Contains(t, b.say("ann", "/greet"), welcome)
	b.http.CloseIdleConnections()
	b.stop()
	for name, args := range map[string][]string{
		"wrong password": {"--ssl-certificate", "cert.pem", "--ssl-keyfile", "key.pem", "--ssl-password", "no"},
		"no key":         {"--ssl-certificate", "cert.pem"},
		"no certificate": {"--ssl-certificate", "nope.pem"},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, stderr := run(t, append([]string{"run", "-i", "127.0.0.1", "-p", "0"}, args...)...)
			assert.Equal(t, 1, code)
			assert.Contains(t, stderr, "--ssl-")
		})
	}
}

func TestEndpoints(t *testing.T) {
	starter(t)
	for _, c := range []struct{ name, endpoints, stderr string }{
		{"store's option that is no number", "tracker_store:\n  type: redis\n  port: many\n", `endpoints.yml:3:3`},
		{"locks' option that is no number", "lock_store:\n  type: redis\n  db: first\n", `endpoints.yml:3:3`},
		{"one broker of a list with an option that is none", "event_broker:\n- type: file\n- type: pika\n  url: localhost\n  port: many\n", `endpoints.yml:5:3`},
		{"list with something else", "event_broker:\n- pika\n", "endpoints.yml:2:3: event_broker must be a list of mappings"},
		{"section that is a list", "nlg:\n  - url\n", "endpoints.yml:2:3"},
		{"parsing elsewhere", "nlu:\n  url: http://localhost:1\n", "endpoints.yml:1:1: nlu"},
		{"model server without address", "models:\n  wait_time_between_pulls: 3\n", "endpoints.yml:1:1: models: url is missing"},
		{"time that is none", "models:\n  url: http://localhost:1\n  wait_time_between_pulls: soon\n", "endpoints.yml:3:3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.NoError(t, os.WriteFile("e.yml", []byte(c.endpoints), 0o644))
			code, _, stderr := run(t, "run", "-i", "127.0.0.1", "-p", "0", "--endpoints", "e.yml")
			assert.Equal(t, 1, code)
			assert.Contains(t, stderr, strings.ReplaceAll(c.stderr, "endpoints.yml", "e.yml"))
		})
	}
	t.Run("a store nobody knows is passed over", func(t *testing.T) {
		require.NoError(t, os.WriteFile("endpoints.yml", []byte("tracker_store:\n  type: memry\n"), 0o644))
		b := serve(t)
		assert.Contains(t, b.log.String(), "endpoints.yml:1:1")
		assert.Contains(t, b.say("ann", "/greet"), welcome)
	})
}
