// Package tlsfile makes TLS configurations for clients from the files that endpoints.yml names.
package tlsfile

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// Config returns the configuration of a client. ca is a file of the certificates that the server's is checked against, ""
// for those of the system. cert and key are the client's own certificate and its key; key may be "" when cert holds both.
// serverName is what the server's certificate must name, "" for the name it is connected by. With insecure the server's
// certificate is not checked at all. Errors name the file.
func Config(ca, cert, key, serverName string, insecure bool) (*tls.Config, error) {
	// The flag is an option that users have to set by name.
	c := &tls.Config{ServerName: serverName, InsecureSkipVerify: insecure, MinVersion: tls.VersionTLS12} //nolint:gosec
	if ca != "" {
		pool, err := trusting(ca)
		if err != nil {
			return nil, err
		}
		c.RootCAs = pool
	}
	if cert == "" {
		if key != "" {
			return nil, errors.New("a client's key needs its certificate")
		}
		return c, nil
	}
	if key == "" {
		key = cert
	}
	own, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate %s with the key %s: %w", cert, key, err)
	}
	c.Certificates = []tls.Certificate{own}
	return c, nil
}

func trusting(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading certificates: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("reading certificates: %s holds none", file)
	}
	return pool, nil
}
