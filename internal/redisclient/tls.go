package redisclient

import (
	"crypto/tls"
	"crypto/x509"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/tlsfile"
)

// tls returns the configuration for use_ssl, nil without it.
func (o *options) tls(cfg *component.Config) (*tls.Config, error) {
	if !o.UseSSL {
		return nil, nil
	}
	checkHost := o.CACerts == ""
	if o.CheckHostname != nil {
		checkHost = *o.CheckHostname
	}
	c, err := tlsfile.Config(o.CACerts, o.CertFile, o.KeyFile, "", !checkHost)
	if err != nil {
		key := "ssl_certfile"
		if o.CACerts != "" && o.CertFile == "" {
			key = "ssl_ca_certs"
		}
		return nil, cfg.OptionError(key, "cannot be used: %v", err)
	}
	if !checkHost {
		c.VerifyConnection = func(s tls.ConnectionState) error { return verifyChain(c.RootCAs, s) }
	}
	return c, nil
}

// verifyChain checks the server's certificate in all but the name of the host, which redis-py 4 does not look at
// (ssl_check_hostname is false there): certificates of one's own authority often name no host.
func verifyChain(roots *x509.CertPool, s tls.ConnectionState) error {
	between := x509.NewCertPool()
	for _, c := range s.PeerCertificates[1:] {
		between.AddCert(c)
	}
	_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
	return err
}
