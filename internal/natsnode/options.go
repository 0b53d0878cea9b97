package natsnode

import (
	"crypto/tls"
	"os"
	"slices"
	"strings"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/tlsfile"
)

// DefaultFolder is where the embedded server keeps its files unless options say otherwise.
const DefaultFolder = ".parley/nats"

// Options say which server a Node uses.
type Options struct {
	// URLs are the addresses of servers elsewhere; without any there is one in the process.
	URLs []string
	// Username and Password, or Token, or Credentials (a file of nsc) are for servers elsewhere.
	Username, Password, Token, Credentials string
	// TLS is used for connections to servers elsewhere when it is not nil.
	TLS *tls.Config
	// Folder is where the embedded server keeps its files.
	Folder string
	// SyncAlways makes the embedded server write through to the disk before it acknowledges a message.
	SyncAlways bool
}

// Fields returns the options that FromConfig reads, for the spec of a part.
func Fields() []component.Field {
	return []component.Field{
		{Name: "url", Kind: component.Any, Doc: "The address of a NATS server with JetStream, or a list of them; without it there is a server inside parley."},
		{Name: "username", Kind: component.String, Doc: "The user to log in as."},
		{Name: "password", Kind: component.String, Doc: "The user's password."},
		{Name: "token", Kind: component.String, Doc: "A token to log in with, instead of a user."},
		{Name: "credentials", Kind: component.String, Doc: "A credentials file (.creds) to log in with, instead of a user."},
		{Name: "use_ssl", Kind: component.Bool, Default: false, Doc: "Whether connections are encrypted; so they are, too, with a URL that begins with tls:// and with any of the next options."},
		{Name: "ssl_cafile", Kind: component.String, Doc: "A file with the certificates to trust. Default: those of the system."},
		{Name: "ssl_certfile", Kind: component.String, Doc: "A file with the client's certificate."},
		{Name: "ssl_keyfile", Kind: component.String, Doc: "A file with the key of the client's certificate."},
		{Name: "ssl_check_hostname", Kind: component.Bool, Default: true, Doc: "Whether the server's certificate is checked."},
		{Name: "folder", Kind: component.String, Default: DefaultFolder, Doc: "Where the server inside parley keeps its files. Only one process may use it at a time."},
		{Name: "sync_always", Kind: component.Bool, Default: true, Doc: "Whether the server inside parley has the disk take a message for good before the message counts as kept; without it a failure of the machine, not one of parley, may lose the last five seconds."},
	}
}

type settings struct {
	URL           any    `option:"url"`
	Username      string `option:"username"`
	Password      string `option:"password"`
	Token         string `option:"token"`
	Credentials   string `option:"credentials"`
	UseSSL        bool   `option:"use_ssl"`
	CAFile        string `option:"ssl_cafile"`
	CertFile      string `option:"ssl_certfile"`
	KeyFile       string `option:"ssl_keyfile"`
	CheckHostname bool   `option:"ssl_check_hostname"`
	Folder        string `option:"folder"`
	SyncAlways    bool   `option:"sync_always"`
}

// FromConfig reads the options of Fields. Errors name the place in the file.
func FromConfig(cfg component.Config) (Options, error) {
	var s settings
	if err := cfg.Decode(&s); err != nil {
		return Options{}, err
	}
	o := Options{Username: s.Username, Password: s.Password, Token: s.Token, Credentials: s.Credentials, Folder: s.Folder, SyncAlways: s.SyncAlways}
	urls, ok := addresses(s.URL)
	if !ok {
		return o, cfg.OptionError("url", "must be an address such as nats://host:4222, or a list of them")
	}
	o.URLs = urls
	if o.Folder == "" {
		return o, cfg.OptionError("folder", "must say where the server keeps its files")
	}
	if o.Credentials != "" {
		if _, err := os.Stat(o.Credentials); err != nil {
			return o, cfg.OptionError("credentials", "cannot be used: %v", err)
		}
	}
	encrypted := s.UseSSL || s.CAFile != "" || s.CertFile != "" || s.KeyFile != "" || !s.CheckHostname ||
		slices.ContainsFunc(urls, func(u string) bool { return strings.HasPrefix(u, "tls://") })
	if !encrypted {
		return o, nil
	}
	var err error
	if o.TLS, err = tlsfile.Config(s.CAFile, s.CertFile, s.KeyFile, "", !s.CheckHostname); err != nil {
		key := "ssl_cafile"
		if s.CertFile != "" || s.KeyFile != "" {
			key = "ssl_certfile"
		}
		return o, cfg.OptionError(key, "cannot be used: %v", err)
	}
	return o, nil
}

// addresses reads an address, several with commas between them, or a list. ok is false when one is none.
func addresses(v any) (list []string, ok bool) {
	switch v := v.(type) {
	case nil:
		return nil, true
	case string:
		list = strings.Split(v, ",")
	case []any:
		for _, e := range v {
			s, isString := e.(string)
			if !isString {
				return nil, false
			}
			list = append(list, s)
		}
	default:
		return nil, false
	}
	for i, s := range list {
		list[i] = strings.TrimSpace(s)
		if list[i] == "" || strings.ContainsAny(list[i], " \t\n") {
			return nil, false
		}
	}
	return list, true
}
