package cli

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/spf13/pflag"
	"github.com/youmark/pkcs8"
)

// tlsFiles are the flags that make the server speak HTTPS.
type tlsFiles struct{ certificate, keyFile, caFile, password string }

func (t *tlsFiles) add(f *pflag.FlagSet) {
	f.StringVar(&t.certificate, "ssl-certificate", "", "certificate in PEM, to serve HTTPS")
	f.StringVar(&t.keyFile, "ssl-keyfile", "", "key of the certificate in PEM (default: it is in the certificate's file)")
	f.StringVar(&t.caFile, "ssl-ca-file", "", "certificates in PEM that lead from the server's to its authority")
	f.StringVar(&t.password, "ssl-password", "", "password of the key")
}

func (t *tlsFiles) scheme() string {
	if t.certificate == "" {
		return "http"
	}
	return "https"
}

// secure puts TLS on a listener when there is a certificate.
func (t *tlsFiles) secure(l net.Listener) (net.Listener, error) {
	if t.certificate == "" {
		return l, nil
	}
	cert, err := t.load()
	if err != nil {
		return nil, err
	}
	return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}), nil
}

func (t *tlsFiles) load() (tls.Certificate, error) {
	var none tls.Certificate
	cert, err := os.ReadFile(t.certificate)
	if err != nil {
		return none, fmt.Errorf("--ssl-certificate: %w", err)
	}
	key := cert
	if t.keyFile != "" {
		if key, err = os.ReadFile(t.keyFile); err != nil {
			return none, fmt.Errorf("--ssl-keyfile: %w", err)
		}
	}
	if key, err = decryptKey(key, t.password); err != nil {
		return none, fmt.Errorf("--ssl-keyfile: %w", err)
	}
	if t.caFile != "" {
		chain, err := os.ReadFile(t.caFile)
		if err != nil {
			return none, fmt.Errorf("--ssl-ca-file: %w", err)
		}
		if !x509.NewCertPool().AppendCertsFromPEM(chain) {
			return none, fmt.Errorf("--ssl-ca-file: no certificate in %s", t.caFile)
		}
		cert = append(append(bytes.TrimRight(cert, "\n"), '\n'), chain...)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return none, fmt.Errorf("--ssl-certificate: %w", err)
	}
	return pair, nil
}

// decryptKey returns the key among the PEM blocks of data without its password; other data is returned as it is.
func decryptKey(data []byte, password string) ([]byte, error) {
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return data, nil
		}
		if block.Type != "ENCRYPTED PRIVATE KEY" {
			if block.Headers["DEK-Info"] != "" {
				return nil, errors.New("the key is encrypted in the old format of OpenSSL; convert it by `openssl pkcs8 -topk8`")
			}
			continue
		}
		key, err := pkcs8.ParsePKCS8PrivateKey(block.Bytes, []byte(password))
		if err != nil {
			return nil, fmt.Errorf("decrypting it with --ssl-password: %w", err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return nil, fmt.Errorf("decrypting it: %w", err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
	}
}
