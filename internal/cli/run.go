package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/parleybot/parley/internal/archive"
	"github.com/parleybot/parley/internal/model"
	"github.com/parleybot/parley/server"
)

// runFlags are the flags of `run` and `shell` (rasa/cli/arguments/run.py).
type runFlags struct {
	model, endpoints, credentials, connector string
	intf                                     string
	port                                     int
	authToken                                string
	cors                                     []string
	enableAPI                                bool
	responseTimeout, requestTimeout          int
	tlsFiles
	jwtSecret, jwtMethod string
	remoteStorage        string
	watch                bool
	watched              trainFlags
}

func (a *app) runCommand() *cobra.Command {
	var r runFlags
	cmd := &cobra.Command{
		Use: "run [model]", Short: "Serves a trained model", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				r.model = args[0]
			}
			return a.run(cmd.Context(), &r)
		},
	}
	r.add(cmd, a)
	f := cmd.Flags()
	f.BoolVar(&r.watch, "watch", false, "train and serve the project, and again whenever one of its files changes")
	r.watched = trainFlags{nlu: true, core: true, out: defaultModels, augmentation: model.DefaultAugmentation}
	f.StringVar(&r.watched.domain, "domain", defaultDomain, "with --watch: domain file, or a folder of them")
	singleVar(f, &r.watched.config, "config", "", defaultConfig, "with --watch: policies and NLU pipeline of the bot")
	listVar(f, &r.watched.data, "data", []string{defaultData}, "with --watch: files and folders with training data")
	cmd.AddCommand(runActionsCommand())
	return cmd
}

func (r *runFlags) add(cmd *cobra.Command, a *app) {
	f := cmd.Flags()
	f.StringVarP(&r.model, "model", "m", defaultModels, "model file, or a folder whose newest model is served")
	f.StringVar(&r.endpoints, "endpoints", defaultEndpoints, "action server, stores and other servers")
	f.StringVar(&r.credentials, "credentials", "", "credentials of the channels (default: credentials.yml when it exists)")
	f.StringVar(&r.connector, "connector", "", "serve this channel only")
	f.StringVarP(&r.intf, "interface", "i", "0.0.0.0", "network interface to serve on")
	f.IntVarP(&r.port, "port", "p", 5005, "port to serve on")
	f.StringVarP(&r.authToken, "auth-token", "t", "", "token that requests to the API must carry")
	listVar(f, &r.cors, "cors", nil, "origins that browsers may call from; * for all")
	f.BoolVar(&r.enableAPI, "enable-api", false, "serve the HTTP API beside the channels")
	f.IntVar(&r.responseTimeout, "response-timeout", 3600, "seconds an answer may take")
	f.IntVar(&r.requestTimeout, "request-timeout", 300, "seconds an answer may take in the shell")
	r.tlsFiles.add(f)
	f.StringVar(&r.jwtSecret, "jwt-secret", "", "secret, or public key in PEM, that signs JSON web tokens")
	f.StringVar(&r.jwtMethod, "jwt-method", "HS256", "algorithm of the tokens' signature")
	f.String("jwt-private-key", "", "accepted for Rasa's sake: parley makes no tokens")
	f.StringVar(&r.remoteStorage, "remote-storage", "", "not available: models are read from files and model servers")
	f.StringVar(&a.logs.file, "log-file", "", "file that gets the log, too")
	f.BoolVar(&a.logs.syslog, "use-syslog", false, "send the log to a syslog server, too")
	f.StringVar(&a.logs.syslogAddress, "syslog-address", "localhost", "address of the syslog server")
	f.IntVar(&a.logs.syslogPort, "syslog-port", 514, "port of the syslog server")
	f.StringVar(&a.logs.syslogProtocol, "syslog-protocol", "UDP", "UDP or TCP")
}

// run serves until ctx ends.
func (a *app) run(ctx context.Context, r *runFlags) error {
	if r.remoteStorage != "" {
		return fmt.Errorf("--remote-storage %s: this version reads models from files and model servers only", r.remoteStorage)
	}
	defer reserve()()
	s, err := a.openSite(a.path(r.endpoints, defaultEndpoints), embedded)
	if err != nil {
		return err
	}
	defer s.close()
	if !r.enableAPI && !r.watch && s.models == nil && !a.hasModel(r.model) {
		return nil
	}
	chans, err := a.openChannels(r)
	if err != nil {
		return err
	}
	s.channels = chans
	inbox, err := s.openInbox(s.endpoints, chans)
	if err != nil {
		return err
	}
	inbox = s.countInbox(inbox)
	srv, err := server.New(server.Config{
		Processor: s.processor, Channels: chans, EnableAPI: r.enableAPI, CORS: r.cors, AuthToken: r.authToken,
		JWTSecret: r.jwtSecret, JWTMethod: r.jwtMethod, ResponseTimeout: time.Duration(r.responseTimeout) * time.Second,
		Models: &modelLoader{s}, Trainer: &modelTrainer{a}, Tester: a.tester(s.processor), Logger: a.log,
		Inbox: inbox, Checks: s.checks(), Waiting: s.waiting, Conversations: s.manager(inbox), Metrics: s.metrics,
	})
	if err != nil {
		return err
	}
	l, err := r.listen(ctx)
	if err != nil {
		return err
	}
	stop, err := a.supplyModels(ctx, s, r)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer stop()
	defer s.retain(ctx, inbox)()
	s.processor.Start()
	dropStartPages()
	a.log.Info("serving", "url", r.scheme()+"://"+l.Addr().String(), "model", s.modelName())
	return srv.Run(ctx, l)
}

// supplyModels loads the first model and starts whatever exchanges it later; stop ends that.
func (a *app) supplyModels(ctx context.Context, s *site, r *runFlags) (stop func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	var working sync.WaitGroup
	stop = func() {
		cancel()
		working.Wait()
	}
	switch {
	case r.watch:
		w, err := a.newWatcher(s, &r.watched)
		if err != nil {
			cancel()
			return nil, err
		}
		w.rebuild(ctx)
		working.Go(func() { w.run(ctx) })
	case s.models != nil:
		s.models.update(ctx)
		working.Go(func() { s.models.run(ctx) })
	default:
		a.loadFirstModel(s, r.model)
	}
	return stop, nil
}

func (r *runFlags) listen(ctx context.Context) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(r.intf, strconv.Itoa(r.port)))
	if err != nil {
		return nil, fmt.Errorf("opening port %d: %w", r.port, err)
	}
	secured, err := r.secure(l)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return secured, nil
}

// hasModel reports whether there is a model to start with; a path that does not exist stands for the usual folder
// (rasa/cli/run.py). Without the API a server is of no use without one.
func (a *app) hasModel(path string) bool {
	_, err := a.findModel(path)
	if err == nil {
		return true
	}
	fmt.Fprintln(a.out, "No model found. You have two options to provide a model:\n"+
		"1. Configure a model server in the endpoint configuration and provide the configuration via '--endpoints'.\n"+
		"2. Train a model before running the server using `parley train` and use '--model' to provide the model path.")
	return false
}

// findModel returns the model file that --model means.
func (a *app) findModel(path string) (string, error) {
	if !exists(path) {
		if path != defaultModels {
			a.log.Warn("there is no such model; the newest of the usual folder is taken", "model", path)
		}
		path = defaultModels
	}
	file, err := archive.Resolve(path)
	if err == nil && !strings.HasSuffix(file, archive.Extension) {
		return "", fmt.Errorf("model %s: its name must end in %s: %w", file, archive.Extension, fs.ErrNotExist)
	}
	return file, err
}

// loadFirstModel loads the model to start with. Whatever is wrong with it, the server runs without one, as in Rasa
// (rasa/core/agent.py, load_agent): the next PUT /model may bring a better one.
func (a *app) loadFirstModel(s *site, path string) {
	file, err := a.findModel(path)
	if errors.Is(err, fs.ErrNotExist) {
		a.log.Warn("no model is loaded: messages are ignored until one is", "model", path)
		return
	}
	if err == nil {
		err = s.load(file)
	}
	if err != nil {
		a.log.Error("the model cannot be loaded: messages are ignored until one is", "model", path, "err", err)
	}
}

// load serves the model of file from now on.
func (s *site) load(file string) error {
	m, err := model.LoadFile(file, s.app.env())
	if err != nil {
		return err
	}
	s.processor.SetModel(m)
	return nil
}

func (s *site) modelName() string {
	if m := s.processor.Model(); m != nil {
		return m.File
	}
	return ""
}
