package callback

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/parleybot/parley/internal/value"
)

// timeout is how long one request may take (DEFAULT_REQUEST_TIMEOUT of Rasa).
const timeout = 300 * time.Second

type options struct {
	URL       string     `option:"url"`
	Params    *value.Map `option:"params"`
	Headers   *value.Map `option:"headers"`
	BasicAuth *value.Map `option:"basic_auth"`
	Token     string     `option:"token"`
	TokenName string     `option:"token_name"`
	CAFile    string     `option:"cafile"`
}

// endpoint is a URL that takes POSTs of JSON (rasa/utils/endpoints.py, EndpointConfig).
type endpoint struct {
	url     string
	options options
	client  *http.Client
}

func newEndpoint(o options) (*endpoint, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, err
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate", o.CAFile)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	target, err := url.Parse(o.URL)
	if err != nil {
		return nil, err
	}
	query := target.Query()
	for k, v := range o.Params.All() {
		query.Set(k, value.Str(v))
	}
	if o.Token != "" {
		query.Set(o.TokenName, o.Token)
	}
	target.RawQuery = query.Encode()
	return &endpoint{url: target.String(), options: o, client: &http.Client{Transport: transport, Timeout: timeout}}, nil
}

// post sends message and returns the status of the answer.
func (e *endpoint) post(ctx context.Context, message *value.Map) (int, error) {
	body := bytes.NewReader(value.Encode(message, value.JSON))
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, body)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	for k, v := range e.options.Headers.All() {
		r.Header.Set(k, value.Str(v))
	}
	if a := e.options.BasicAuth; a.Len() > 0 {
		r.SetBasicAuth(a.String("username"), a.String("password"))
	}
	answer, err := e.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	// Reading to the end lets the connection be used again.
	_, err = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<20))
	return answer.StatusCode, err
}
