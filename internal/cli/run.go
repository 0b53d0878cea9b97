package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/archive"
	"github.com/parleybot/parley/internal/model"
	"github.com/parleybot/parley/project"
	"github.com/parleybot/parley/server"
)

// runFlags are the flags of `run` (rasa/cli/arguments/run.py).
type runFlags struct {
	model, endpoints, credentials, connector string
	intf                                     string
	port                                     int
	authToken                                string
	cors                                     []string
	enableAPI                                bool
	responseTimeout                          int
	certificate, keyFile, caFile, password   string
	jwtSecret, jwtMethod, jwtPrivateKey      string
	remoteStorage                            string
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
	return cmd
}

func (r *runFlags) add(cmd *cobra.Command, a *app) {
	f := cmd.Flags()
	f.StringVarP(&r.model, "model", "m", "models", "model file, or a folder whose newest model is served")
	f.StringVar(&r.endpoints, "endpoints", "endpoints.yml", "action server, stores and other servers")
	f.StringVar(&r.credentials, "credentials", "", "credentials of the channels (default: credentials.yml when it exists)")
	f.StringVar(&r.connector, "connector", "", "serve this channel only")
	f.StringVarP(&r.intf, "interface", "i", "0.0.0.0", "network interface to serve on")
	f.IntVarP(&r.port, "port", "p", 5005, "port to serve on")
	f.StringVarP(&r.authToken, "auth-token", "t", "", "token that requests to the API must carry")
	listVar(f, &r.cors, "cors", nil, "origins that browsers may call from; * for all")
	f.BoolVar(&r.enableAPI, "enable-api", false, "serve the HTTP API beside the channels")
	f.IntVar(&r.responseTimeout, "response-timeout", 3600, "seconds an answer may take")
	f.Int("request-timeout", 300, "seconds a request may take to arrive")
	f.StringVar(&r.certificate, "ssl-certificate", "", "certificate in PEM, to serve HTTPS")
	f.StringVar(&r.keyFile, "ssl-keyfile", "", "key of the certificate in PEM")
	f.StringVar(&r.caFile, "ssl-ca-file", "", "further certificates in PEM")
	f.StringVar(&r.password, "ssl-password", "", "not available: give a key without password")
	f.StringVar(&r.jwtSecret, "jwt-secret", "", "secret, or public key in PEM, that signs JSON web tokens")
	f.StringVar(&r.jwtMethod, "jwt-method", "HS256", "algorithm of the tokens' signature")
	f.StringVar(&r.jwtPrivateKey, "jwt-private-key", "", "accepted for Rasa's sake; parley makes no tokens")
	f.StringVar(&r.remoteStorage, "remote-storage", "", "not available: models are read from files and model servers")
	f.StringVar(&a.logFile, "log-file", "", "file that gets the log, too")
	f.Bool("use-syslog", false, "not available")
}

// run serves until ctx ends.
func (a *app) run(ctx context.Context, r *runFlags) error {
	s, err := a.openSite(r.endpoints)
	if err != nil {
		return err
	}
	defer s.close()
	chans, err := a.openChannels(r)
	if err != nil {
		return err
	}
	if err := a.loadFirstModel(s, r.model); err != nil {
		return err
	}
	srv, err := server.New(server.Config{
		Processor: s.processor, Channels: chans, EnableAPI: r.enableAPI, CORS: r.cors, AuthToken: r.authToken,
		JWTSecret: r.jwtSecret, JWTMethod: r.jwtMethod, ResponseTimeout: time.Duration(r.responseTimeout) * time.Second,
		Models: &modelLoader{a}, Trainer: &modelTrainer{a}, Tester: a.tester(s.processor), Logger: a.log,
	})
	if err != nil {
		return err
	}
	l, err := r.listen(ctx)
	if err != nil {
		return err
	}
	a.log.Info("serving", "url", "http://"+net.JoinHostPort(r.intf, strconv.Itoa(r.port)), "model", s.modelName())
	return srv.Run(ctx, l)
}

func (r *runFlags) listen(ctx context.Context) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(r.intf, strconv.Itoa(r.port)))
	if err != nil {
		return nil, fmt.Errorf("opening port %d: %w", r.port, err)
	}
	if r.certificate == "" {
		return l, nil
	}
	cert, err := tls.LoadX509KeyPair(r.certificate, r.keyFile)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("--ssl-certificate: %w", err), l.Close())
	}
	return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}), nil
}

// openChannels builds the channels of the credentials file.
func (a *app) openChannels(r *runFlags) ([]channels.Channel, error) {
	path := r.credentials
	if path == "" {
		path = "credentials.yml"
	}
	var list []component.Config
	if _, err := os.Stat(path); err == nil || r.credentials != "" {
		credentials, problems := project.LoadCredentials(path)
		if err := problems.Err(); err != nil {
			return nil, err
		}
		for _, e := range credentials.Channels {
			list = append(list, partConfig(e, e.Name, a.env()))
		}
	}
	return channels.Create(list, r.connector, a.env())
}

// loadFirstModel loads the model to start with. A path without a model leaves the server without one, as in Rasa.
func (a *app) loadFirstModel(s *site, path string) error {
	file, err := archive.Resolve(path)
	if errors.Is(err, fs.ErrNotExist) && path != defaultModels {
		// Rasa silently takes the newest model of the usual folder instead.
		a.log.Warn("there is no such model; looking for the newest in the usual folder", "model", path)
		file, err = archive.Newest(defaultModels)
	}
	if errors.Is(err, fs.ErrNotExist) {
		a.log.Warn("no model is loaded: every message is ignored until one is", "model", path)
		return nil
	}
	if err != nil {
		return err
	}
	m, err := model.LoadFile(file, a.env())
	if err != nil {
		return err
	}
	s.processor.SetModel(m)
	return nil
}

// defaultModels is the folder where models are by default.
const defaultModels = "models"

func (s *site) modelName() string {
	if m := s.processor.Model(); m != nil {
		return m.File
	}
	return ""
}
